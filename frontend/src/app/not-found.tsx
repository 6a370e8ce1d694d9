import Link from "next/link";

export default function NotFound() {
  return (
    <main className="mx-auto grid min-h-svh max-w-lg content-center gap-3 p-6">
      <h1 className="text-xl font-semibold">There is no such page</h1>
      <p className="text-muted">The address may be mistyped, or what was here has moved.</p>
      <p>
        <Link href="/" className="underline underline-offset-4">
          Find face parts in a photo
        </Link>
      </p>
    </main>
  );
}
