import type { Heard } from './hear.ts'

export interface Sample {
  readonly name: string
  readonly heard: Heard
  /** 2 where the samples of left and right take turns; 1 when absent. */
  readonly channels?: number
  /** What a person should pay attention to. */
  readonly listenFor: string
}

const BARS = 240

/** A page with a player and a picture of every sample. */
export function indexPage(samples: readonly Sample[]): string {
  const rows = samples.map(
    (sample) => `<section><h2>${sample.name}</h2><p>${sample.listenFor}</p>
${picture(sample)}
<audio controls preload="none" src="${sample.name}.wav"></audio></section>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>BunPBX: listen</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8884; padding: 1rem 0; }
h2 { font-size: 1rem; margin: 0; } p { margin: .25rem 0 .5rem; }
svg, audio { display: block; width: 100%; } path { stroke: #2a7de1; stroke-width: 1; }
</style>
<h1>Recordings to listen to</h1>
${rows.join('\n')}
</html>
`
}

/** The largest sample of each short stretch, as bars. */
function picture({ heard: { samples } }: Sample): string {
  const width = Math.ceil(samples.length / BARS)
  const bars = Array.from({ length: BARS }, (_, i) => {
    const stretch = samples.subarray(i * width, (i + 1) * width)
    const peak = stretch.reduce((max, sample) => Math.max(max, Math.abs(sample)), 0)
    const height = (peak / 32_768) * 30
    return `M${i * 4 + 2} ${(32 - height).toFixed(1)}V${(32 + height).toFixed(1)}`
  })
  return `<svg viewBox="0 0 ${BARS * 4} 64" role="img" aria-label="waveform"><path d="${bars.join('')}"/></svg>`
}
