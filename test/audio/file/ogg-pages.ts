import { OggPageReader } from '#audio/file/ogg-page-reader.ts'

/** A page of one segment (RFC 3533 §6). */
export function oggPage(flags: number, text: string): Uint8Array {
  const page = new Uint8Array(28 + text.length)
  page.set(new TextEncoder().encode('OggS'))
  page[5] = flags
  page[26] = 1
  page[27] = text.length
  page.set(Buffer.from(text, 'latin1'), 28)
  setChecksum(page)
  return page
}

/** Makes a page valid again that has been changed. */
export function setChecksum(page: Uint8Array): void {
  page.fill(0, 22, 26)
  let crc = 0
  for (const byte of page) {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0)
  }
  new DataView(page.buffer, page.byteOffset).setInt32(22, crc, true)
}

/** Copies of the pages of an undamaged file. */
export function splitPages(file: Uint8Array): Uint8Array[] {
  const reader = new OggPageReader()
  reader.push(file)
  const pages: Uint8Array[] = []
  for (let page = reader.next(); page !== undefined; page = reader.next()) {
    pages.push(page.bytes.slice())
  }
  return pages
}
