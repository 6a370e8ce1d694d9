/** Share of the body that has been sent, 0 to 1. */
export type OnSent = (share: number) => void;

/**
 * A `fetch` that says how much of the body has been sent, which only XMLHttpRequest can tell. The form is the
 * request's own body; read from the request it would be a copy of the photo.
 */
export function uploadFetch(onSent: OnSent, form: FormData): (request: Request) => Promise<Response> {
  return (request) =>
    new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open(request.method, request.url);
      xhr.responseType = "blob";
      request.headers.forEach((value, name) => {
        if (name !== "content-type") xhr.setRequestHeader(name, value); // its boundary is another
      });
      xhr.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
      xhr.onload = () => resolve(toResponse(xhr));
      xhr.onerror = () => reject(new TypeError("Failed to fetch"));
      xhr.onabort = () => reject(new DOMException("Aborted", "AbortError"));
      request.signal.addEventListener("abort", () => xhr.abort());
      if (request.signal.aborted) reject(new DOMException("Aborted", "AbortError"));
      else xhr.send(form);
    });
}

function toResponse(xhr: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const line of xhr.getAllResponseHeaders().trim().split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return new Response(xhr.response as Blob, { status: xhr.status, statusText: xhr.statusText, headers });
}
