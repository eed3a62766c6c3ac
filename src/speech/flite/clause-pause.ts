/** Silence between two clauses at normal speed, in milliseconds: close to flite's own. */
const SENTENCE_MS = 220
const PHRASE_MS = 150
const COMMA_MS = 80
/** Where text was cut because no mark came. */
const CUT_MS = 30

const SENTENCE_END = /[.!?。！？｡]$/
const PHRASE_END = /(?:\.{2,}|[…;:—–；：]|\s-+)$/
const COMMA_END = /[,，、]$/
const CLOSERS = /["'”’»)\]}」』）】》〉\s]+$/
const LINE_END = /\n\s*$/

/** How long the voice rests after `clause`, in milliseconds at normal speed. */
export function clausePauseMs(clause: string): number {
  const end = clause.replace(CLOSERS, '')
  if (PHRASE_END.test(end)) return PHRASE_MS
  if (SENTENCE_END.test(end)) return SENTENCE_MS
  if (COMMA_END.test(end)) return COMMA_MS
  return LINE_END.test(clause) ? SENTENCE_MS : CUT_MS
}
