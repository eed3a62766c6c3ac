/** What a program wrote before it ended. */
export interface ProgramOutput {
  /** Contents of the files it opened for writing, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Standard output and standard error, cut off at 4096 bytes. */
  readonly text: string
}

// Error numbers of WASI preview 1.
const SUCCESS = 0
const BAD_FILE = 8
const NO_ENTRY = 44
const NO_SPACE = 51
const NOT_SEEKABLE = 70

const REGULAR_FILE = 4
const CHARACTER_DEVICE = 2
const DIRECTORY = 3
const ALL_RIGHTS = 0xffff_ffff_ffff_ffffn
const OPEN_CREATE = 1

/** The one directory the program sees; descriptors above it are open files. */
const ROOT = 3
const MAX_FILE_BYTES = 32 * 1024 * 1024
const MAX_TEXT_BYTES = 4096

class Exit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit code ${code}`)
    this.code = code
  }
}

/** A file that grows as it is written. */
class MemoryFile {
  position = 0
  #bytes = new Uint8Array(1 << 16)
  #length = 0

  get length(): number {
    return this.#length
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  write(bytes: Uint8Array): void {
    const end = this.position + bytes.length
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length))
      larger.set(this.content)
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.position)
    this.position = end
    this.#length = Math.max(this.#length, end)
  }
}

/**
 * Runs one WebAssembly command (WASI preview 1) to its end. It has its arguments, a clock, an empty
 * directory in memory to write files into, and nothing else: no input, no environment, no disk.
 *
 * Throws what the program throws (a trap is a `WebAssembly.RuntimeError`), and an `Error` when it
 * ends with an exit code other than 0.
 */
export function runWasiProgram(module: WebAssembly.Module, args: readonly string[]): ProgramOutput {
  return new WasiProgram(args).run(module)
}

class WasiProgram {
  readonly #args: readonly Uint8Array[]
  readonly #files = new Map<string, MemoryFile>()
  readonly #open = new Map<number, MemoryFile>()
  #nextDescriptor = ROOT + 1
  #memory: WebAssembly.Memory | undefined
  #text = ''

  constructor(args: readonly string[]) {
    const encoder = new TextEncoder()
    this.#args = args.map((arg) => encoder.encode(`${arg}\0`))
  }

  run(module: WebAssembly.Module): ProgramOutput {
    const instance = new WebAssembly.Instance(module, {
      wasi_snapshot_preview1: { ...this.#processCalls(), ...this.#fileCalls() },
    })
    this.#memory = instance.exports['memory'] as WebAssembly.Memory
    try {
      const start = instance.exports['_start'] as () => void
      start()
    } catch (error) {
      if (!(error instanceof Exit)) throw error
      if (error.code !== 0) throw new Error(`${error.message}: ${this.#text.trim()}`)
    }
    const files = new Map(Array.from(this.#files, ([name, file]) => [name, file.content]))
    return { files, text: this.#text }
  }

  // The memory may have grown, and then older views of it are empty.
  get #bytes(): Uint8Array {
    return new Uint8Array(this.#memory?.buffer ?? new ArrayBuffer(0))
  }

  get #view(): DataView {
    return new DataView(this.#memory?.buffer ?? new ArrayBuffer(0))
  }

  #processCalls(): Record<string, (...args: never[]) => number> {
    return {
      /** How many arguments there are, and bytes in all of them. */
      args_sizes_get: (countAt: number, bytesAt: number) => {
        const total = this.#args.reduce((sum, arg) => sum + arg.length, 0)
        this.#view.setUint32(countAt, this.#args.length, true)
        this.#view.setUint32(bytesAt, total, true)
        return SUCCESS
      },
      /** Writes the arguments, and pointers to them. */
      args_get: (pointersAt: number, bytesAt: number) => {
        let at = bytesAt
        for (const [i, arg] of this.#args.entries()) {
          this.#view.setUint32(pointersAt + 4 * i, at, true)
          this.#bytes.set(arg, at)
          at += arg.length
        }
        return SUCCESS
      },
      /** The time in nanoseconds; every clock is the same one. */
      clock_time_get: (_clock: number, _precision: bigint, timeAt: number) => {
        this.#view.setBigUint64(timeAt, BigInt(Bun.nanoseconds()), true)
        return SUCCESS
      },
      /** Ends the program, by unwinding its stack. */
      proc_exit: (code: number) => {
        throw new Exit(code)
      },
    }
  }

  #fileCalls(): Record<string, (...args: never[]) => number> {
    return {
      /** Says that descriptor 3 is a directory with a name one byte long; further ones are none. */
      fd_prestat_get: (descriptor: number, statAt: number) => {
        if (descriptor !== ROOT) return BAD_FILE
        this.#view.setUint32(statAt, 0, true)
        this.#view.setUint32(statAt + 4, 1, true)
        return SUCCESS
      },
      /** The name of that directory: the current one. */
      fd_prestat_dir_name: (_descriptor: number, nameAt: number) => {
        this.#bytes.set([0x2e], nameAt)
        return SUCCESS
      },
      /** Makes a new file; there are none to be read. */
      path_open: this.#pathOpen,
      /** What kind of file a descriptor is; it may do everything. */
      fd_fdstat_get: (descriptor: number, statAt: number) => {
        this.#bytes.fill(0, statAt, statAt + 24)
        this.#view.setUint8(statAt, kindOf(descriptor))
        this.#view.setBigUint64(statAt + 8, ALL_RIGHTS, true)
        this.#view.setBigUint64(statAt + 16, ALL_RIGHTS, true)
        return SUCCESS
      },
      /** Flags (append, non-blocking) mean nothing here. */
      fd_fdstat_set_flags: () => SUCCESS,
      /** Whatever is read is at its end. */
      fd_read: (_descriptor: number, _buffersAt: number, _count: number, readAt: number) => {
        this.#view.setUint32(readAt, 0, true)
        return SUCCESS
      },
      fd_write: this.#fdWrite,
      fd_seek: this.#fdSeek,
      fd_close: (descriptor: number) => {
        this.#open.delete(descriptor)
        return SUCCESS
      },
    }
  }

  readonly #pathOpen = (
    _directory: number,
    _lookup: number,
    nameAt: number,
    nameBytes: number,
    flags: number,
    _rights: bigint,
    _inherited: bigint,
    _fileFlags: number,
    descriptorAt: number,
  ): number => {
    if ((flags & OPEN_CREATE) === 0) return NO_ENTRY
    const file = new MemoryFile()
    const name = new TextDecoder().decode(this.#bytes.subarray(nameAt, nameAt + nameBytes))
    this.#files.set(name, file)
    this.#open.set(this.#nextDescriptor, file)
    this.#view.setUint32(descriptorAt, this.#nextDescriptor, true)
    this.#nextDescriptor += 1
    return SUCCESS
  }

  /** Writes `count` buffers, listed as pointer and length, one behind the other. */
  readonly #fdWrite = (
    descriptor: number,
    buffersAt: number,
    count: number,
    writtenAt: number,
  ): number => {
    const file = this.#open.get(descriptor)
    let written = 0
    for (let i = 0; i < count; i += 1) {
      const from = this.#view.getUint32(buffersAt + 8 * i, true)
      const length = this.#view.getUint32(buffersAt + 8 * i + 4, true)
      const bytes = this.#bytes.subarray(from, from + length)
      if (file === undefined) this.#print(bytes)
      else if (file.position + length > MAX_FILE_BYTES) return NO_SPACE
      else file.write(bytes)
      written += length
    }
    this.#view.setUint32(writtenAt, written, true)
    return SUCCESS
  }

  /** Moves in a file; the standard streams are none. */
  readonly #fdSeek = (
    descriptor: number,
    offset: bigint,
    whence: number,
    positionAt: number,
  ): number => {
    const file = this.#open.get(descriptor)
    if (file === undefined) return descriptor < ROOT ? NOT_SEEKABLE : BAD_FILE
    const origins = [0, file.position, file.length]
    file.position = Math.max(0, (origins[whence] ?? 0) + Number(offset))
    this.#view.setBigUint64(positionAt, BigInt(file.position), true)
    return SUCCESS
  }

  #print(bytes: Uint8Array): void {
    if (this.#text.length < MAX_TEXT_BYTES) this.#text += new TextDecoder().decode(bytes)
  }
}

function kindOf(descriptor: number): number {
  if (descriptor < ROOT) return CHARACTER_DEVICE
  return descriptor === ROOT ? DIRECTORY : REGULAR_FILE
}
