import { CString, dlopen, FFIType, type Pointer, ptr } from 'bun:ffi'

const MODEL = '/usr/share/pocketsphinx/model/en-us'
const { ptr: POINTER, i32: INT, u64: SIZE } = FFIType

function openLibraries() {
  const { symbols: recognizer } = dlopen('libpocketsphinx.so.3', {
    ps_args: { args: [], returns: POINTER },
    ps_init: { args: [POINTER], returns: POINTER },
    ps_start_utt: { args: [POINTER], returns: INT },
    ps_end_utt: { args: [POINTER], returns: INT },
    ps_process_raw: { args: [POINTER, POINTER, SIZE, INT, INT], returns: INT },
    ps_get_hyp: { args: [POINTER, POINTER], returns: POINTER },
  })
  const { symbols: base } = dlopen('libsphinxbase.so.3', {
    cmd_ln_parse_r: { args: [POINTER, POINTER, INT, POINTER, INT], returns: POINTER },
  })
  return { recognizer, base }
}

/** Debian's PocketSphinx with its English model: recognizes 16 kHz speech, for benchmarks. */
export class PocketSphinx {
  readonly #libraries = openLibraries()
  readonly #decoder: Pointer
  /** The library keeps pointing at them. */
  readonly #arguments: Buffer[]

  /** Throws where the library or the model is not installed. */
  constructor() {
    const { recognizer, base } = this.#libraries
    const lines = [
      ...['ps', '-hmm', `${MODEL}/en-us`, '-dict', `${MODEL}/cmudict-en-us.dict`],
      ...['-lm', `${MODEL}/en-us.lm.bin`, '-logfn', '/dev/null'],
      // Without bounds, noise makes it search for minutes.
      ...['-fwdflat', 'no', '-maxhmmpf', '3000', '-maxwpf', '20'],
    ]
    this.#arguments = lines.map((line) => Buffer.from(`${line}\0`))
    const table = new BigUint64Array(this.#arguments.map((line) => BigInt(ptr(line))))
    const settings = base.cmd_ln_parse_r(null, recognizer.ps_args(), lines.length, ptr(table), 1)
    const decoder = recognizer.ps_init(settings)
    if (decoder === null) throw new Error(`PocketSphinx has no model in ${MODEL}`)
    this.#decoder = decoder as Pointer
  }

  /** The words of one utterance. */
  recognize(samples: Int16Array): string[] {
    const { recognizer } = this.#libraries
    recognizer.ps_start_utt(this.#decoder)
    recognizer.ps_process_raw(this.#decoder, ptr(samples), samples.length, 0, 1)
    recognizer.ps_end_utt(this.#decoder)
    const words = recognizer.ps_get_hyp(this.#decoder, null)
    return words === null ? [] : new CString(words).toString().split(' ')
  }
}
