// The page's record: JSON, deflated, in base64, as `lesson/page.py` packs it.

async function theRecord() {
  const packed = document.getElementById("record").textContent;
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(unpacked).text());
}
