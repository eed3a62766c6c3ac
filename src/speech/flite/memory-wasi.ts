/** WASI error numbers that the shim answers with (wasi_snapshot_preview1, `errno`). */
const SUCCESS = 0
const BAD_FILE = 8
const NO_ENTRY = 44
const ILLEGAL_SEEK = 29
/** File types (`filetype`). */
const CHARACTER_DEVICE = 2
const DIRECTORY = 3
const REGULAR_FILE = 4
/** The descriptor of the one directory there is; 0 to 2 are the standard streams. */
const ROOT_FD = 3
const O_CREAT = 1
const ALL_RIGHTS = 0xffff_ffff_ffff_ffffn

interface OpenFile {
  data: Uint8Array
  length: number
  position: number
}

/** The program ended. */
class ProcessExit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

/**
 * Just enough of a system for a WASI command that reads its arguments and writes one file: both in
 * memory, nothing of the machine is seen.
 */
export class MemoryWasi {
  readonly #args: readonly Uint8Array[]
  readonly #files = new Map<number, OpenFile>()
  #nextFd = ROOT_FD + 1
  #memory: WebAssembly.Memory | undefined
  #written: OpenFile | undefined

  constructor(args: readonly string[]) {
    const encoder = new TextEncoder()
    this.#args = args.map((arg) => encoder.encode(`${arg}\0`))
  }

  /**
   * Runs the command to its end and gives the file that it wrote last.
   *
   * @throws {Error} if it exits with another code than 0, traps, or writes no file.
   */
  run(module: WebAssembly.Module): Uint8Array {
    const instance = new WebAssembly.Instance(module, {
      wasi_snapshot_preview1: this.#imports(),
    } as never)
    this.#memory = instance.exports['memory'] as WebAssembly.Memory
    try {
      ;(instance.exports['_start'] as () => void)()
    } catch (error) {
      if (!(error instanceof ProcessExit) || error.code !== 0) throw error
    }
    if (this.#written === undefined) throw new Error('the program wrote no file')
    return this.#written.data.subarray(0, this.#written.length)
  }

  get #bytes(): Uint8Array {
    return new Uint8Array((this.#memory as WebAssembly.Memory).buffer)
  }

  get #view(): DataView {
    return new DataView((this.#memory as WebAssembly.Memory).buffer)
  }

  #imports() {
    return {
      args_sizes_get: (count: number, size: number) => this.#argsSizes(count, size),
      args_get: (pointers: number, buffer: number) => this.#argsGet(pointers, buffer),
      clock_time_get: (_clock: number, _precision: bigint, out: number) => {
        this.#view.setBigUint64(out, BigInt(Date.now()) * 1_000_000n, true)
        return SUCCESS
      },
      fd_close: (fd: number) => (this.#files.delete(fd) ? SUCCESS : BAD_FILE),
      fd_fdstat_get: (fd: number, out: number) => this.#fdStat(fd, out),
      fd_fdstat_set_flags: () => SUCCESS,
      fd_prestat_get: (fd: number, out: number) => this.#prestat(fd, out),
      fd_prestat_dir_name: (_fd: number, path: number) => {
        this.#bytes[path] = '.'.charCodeAt(0)
        return SUCCESS
      },
      path_open: (...args: number[]) => this.#pathOpen(args),
      fd_read: (_fd: number, _iovs: number, _count: number, out: number) => {
        this.#view.setUint32(out, 0, true)
        return SUCCESS
      },
      fd_seek: (fd: number, offset: bigint, whence: number, out: number) =>
        this.#seek(fd, Number(offset), whence, out),
      fd_write: (fd: number, iovs: number, count: number, out: number) =>
        this.#write(fd, iovs, count, out),
      proc_exit: (code: number) => {
        throw new ProcessExit(code)
      },
    }
  }

  #argsSizes(count: number, size: number): number {
    this.#view.setUint32(count, this.#args.length, true)
    this.#view.setUint32(
      size,
      this.#args.reduce((sum, { length }) => sum + length, 0),
      true,
    )
    return SUCCESS
  }

  #argsGet(pointers: number, buffer: number): number {
    let at = buffer
    for (const [i, arg] of this.#args.entries()) {
      this.#view.setUint32(pointers + 4 * i, at, true)
      this.#bytes.set(arg, at)
      at += arg.length
    }
    return SUCCESS
  }

  #fdStat(fd: number, out: number): number {
    const type = fd === ROOT_FD ? DIRECTORY : fd < ROOT_FD ? CHARACTER_DEVICE : REGULAR_FILE
    this.#bytes.fill(0, out, out + 24)
    this.#bytes[out] = type
    this.#view.setBigUint64(out + 8, ALL_RIGHTS, true)
    this.#view.setBigUint64(out + 16, ALL_RIGHTS, true)
    return SUCCESS
  }

  #prestat(fd: number, out: number): number {
    if (fd !== ROOT_FD) return BAD_FILE
    this.#bytes[out] = 0
    this.#view.setUint32(out + 4, 1, true)
    return SUCCESS
  }

  /** Arguments: directory, look-up flags, path, path length, open flags, rights ×2, flags, out. */
  #pathOpen(args: readonly number[]): number {
    const [openFlags = 0, out = 0] = [args[4], args[8]]
    // There is nothing to read; only making a file works.
    if ((openFlags & O_CREAT) === 0) return NO_ENTRY
    const file = { data: new Uint8Array(1 << 16), length: 0, position: 0 }
    this.#files.set(this.#nextFd, file)
    this.#written = file
    this.#view.setUint32(out, this.#nextFd, true)
    this.#nextFd += 1
    return SUCCESS
  }

  #seek(fd: number, offset: number, whence: number, out: number): number {
    const file = this.#files.get(fd)
    if (file === undefined) return fd < ROOT_FD ? ILLEGAL_SEEK : BAD_FILE
    const base = [0, file.position, file.length][whence] ?? 0
    file.position = base + offset
    this.#view.setBigUint64(out, BigInt(file.position), true)
    return SUCCESS
  }

  #write(fd: number, iovs: number, count: number, out: number): number {
    const file = this.#files.get(fd)
    let total = 0
    for (let i = 0; i < count; i += 1) {
      const pointer = this.#view.getUint32(iovs + 8 * i, true)
      const length = this.#view.getUint32(iovs + 8 * i + 4, true)
      if (file !== undefined) append(file, this.#bytes.subarray(pointer, pointer + length))
      total += length
    }
    this.#view.setUint32(out, total, true)
    return SUCCESS
  }
}

function append(file: OpenFile, bytes: Uint8Array): void {
  const end = file.position + bytes.length
  if (end > file.data.length) {
    const larger = new Uint8Array(Math.max(2 * file.data.length, end))
    larger.set(file.data.subarray(0, file.length))
    file.data = larger
  }
  file.data.set(bytes, file.position)
  file.position = end
  file.length = Math.max(file.length, end)
}
