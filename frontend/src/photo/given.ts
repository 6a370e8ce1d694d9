import { isPicture } from "./photo";

/**
 * The pictures of a paste or a drop, those in its folders too. Without any: of files the first, for a clear
 * message, of folders none.
 */
export async function photosIn(transfer: DataTransfer): Promise<File[]> {
  // both are empty once the event has passed
  const files = [...transfer.files];
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (!entries.some(isFolder)) {
    const pictures = await picturesOf(files);
    return pictures.length > 0 ? pictures : files.slice(0, 1);
  }
  return picturesOf((await Promise.all(entries.map(filesOf))).flat());
}

async function picturesOf(files: File[]): Promise<File[]> {
  const are = await Promise.all(files.map(isPicture));
  return files.filter((_, at) => are[at]);
}

/** A file, or all files of a folder and of those in it, by name; hidden ones are left out. */
async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.name.startsWith(".")) return [];
  if (!isFolder(entry))
    return [
      await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
    ];
  const entries = (await entriesIn(entry)).sort((one, other) =>
    one.name.localeCompare(other.name, undefined, { numeric: true }),
  );
  return (await Promise.all(entries.map(filesOf))).flat();
}

/** A reader gives some at a time, and none at the end. */
async function entriesIn(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found;
    found.push(...some);
  }
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
