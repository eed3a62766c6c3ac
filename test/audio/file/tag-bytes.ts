/** An ID3v2.4 tag with `size` bytes of zeros in it. */
export function id3Tag(size: number): Uint8Array {
  const tag = new Uint8Array(10 + size)
  tag.set([0x49, 0x44, 0x33, 4, 0, 0])
  tag.set([(size >> 21) & 127, (size >> 14) & 127, (size >> 7) & 127, size & 127], 6)
  return tag
}

/** An ID3v1 tag, as it stands at the end of a file. */
export function id3v1Tag(title: string): Uint8Array {
  const tag = new Uint8Array(128)
  tag.set(new TextEncoder().encode(`TAG${title}`))
  return tag
}

/** An APEv2 tag with one item and a footer, as it stands at the end of a file. */
export function apeTag(title: string): Uint8Array {
  const item = Buffer.from(`\0\0\0\0\0\0\0\0Title\0${title}`)
  item.writeUInt32LE(title.length)
  const footer = Buffer.from(`APETAGEX${'\0'.repeat(24)}`)
  // Version, size with the footer, items.
  footer.writeUInt32LE(2000, 8)
  footer.writeUInt32LE(item.length + footer.length, 12)
  footer.writeUInt32LE(1, 16)
  return Uint8Array.from(Buffer.concat([item, footer]))
}
