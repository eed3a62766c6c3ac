import { InlineEngine, type InlineEngineOptions } from '../inline-engine.ts'
import { EnergyJudge } from './energy-judge.ts'

/**
 * Voice activity detection by level alone: anything that rises out of a steady noise is voice to
 * it, a door too. It costs about a microsecond a frame.
 */
export function createEnergyVadEngine(options: InlineEngineOptions = {}): InlineEngine {
  return new InlineEngine({ type: 'energy', createJudge: () => new EnergyJudge(), ...options })
}
