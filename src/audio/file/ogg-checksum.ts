/** Where the checksum stands in a page, four bytes. */
export const CHECKSUM_OFFSET = 22
const CHECKSUM_END = 26

/** RFC 3533 §6: CRC-32 of the page, with zeros where the checksum stands. */
export function oggChecksum(page: Uint8Array): number {
  let crc = 0
  for (let i = 0; i < page.length; i += 1) {
    const isChecksum = i >= CHECKSUM_OFFSET && i < CHECKSUM_END
    const byte = isChecksum ? 0 : page[i]!
    crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ byte) & 0xff]!
  }
  return crc >>> 0
}

/** Generator polynomial 0x04c11db7, most significant bit first. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0)
  return crc
})
