// What `trellic serve` does for the page. On any other server the page decodes, and does not code.

/** Return {files, codecs}, or undefined where there is no such server. */
export async function findServer() {
  try {
    const response = await fetch("api/folder");
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/** Return the stream of a picture file. */
export async function encode(file, quality, signal) {
  return new Blob([await sent(`api/encode?quality=${quality}`, file, signal)], { type: "image/x-tlic" });
}

/** Return a picture file coded by another codec, as near to a size as it comes. */
export async function encodeLike(file, codec, bytes, signal) {
  return new Blob([await sent(`api/code?codec=${codec}&bytes=${bytes}`, file, signal)], { type: `image/${codec}` });
}

/** Return a file of the folder that is served, under its name. */
export async function fetchFile(name) {
  const address = name.split("/").map(encodeURIComponent).join("/");
  const response = await fetch(`files/${address}`, { headers: { Accept: "image/x-tlic, image/*" } });
  if (!response.ok) throw new Error(`${name}: ${await reason(response)}`);
  return new File([await response.blob()], name.split("/").pop());
}

async function sent(address, file, signal) {
  const response = await fetch(address, { method: "POST", body: file, signal });
  if (!response.ok) throw new Error(await reason(response));
  return response.arrayBuffer();
}

async function reason(response) {
  const said = await response.json().catch(() => ({}));
  return said.error ?? `the server answers ${response.status}`;
}
