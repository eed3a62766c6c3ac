/** Who may import whom, from the pure to the outside. A layer also sees itself. */
export const LAYERS: Record<string, readonly string[]> = {
  core: [],
  config: ['core'],
  protocol: ['core'],
  audio: ['core'],
  rtp: ['core', 'audio'],
  media: ['core', 'audio'],
  transport: ['core', 'audio', 'rtp', 'media'],
  speech: ['core', 'audio', 'media'],
  call: [
    'core',
    'protocol',
    'audio',
    'media',
    'transport/leg.ts',
    'speech/asr.ts',
    'speech/tts.ts',
    'speech/vad.ts',
    'speech/speech-error.ts',
  ],
  store: ['core', 'protocol'],
  server: ['core', 'config', 'protocol', 'call', 'store'],
}
