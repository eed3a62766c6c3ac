import type { AudioHistory } from './audio-history.ts'
import { DelayFinder } from './delay-finder.ts'
import { EchoLevel } from './echo-level.ts'

/** In the first 800 ms of audible playback an echo is expected; an echo of its beginning is not. */
const CONTACT_BLOCKS = 40
const EARLY_BLOCKS = 3
/** Received blocks louder than noise by 8 dB are worth a look. */
const LOUD_RATIO = 6
const MIN_LOUD_POWER = 30
/** Noise is no louder than -50 dB of full scale until it is known. */
const MAX_INITIAL_NOISE = 2e4
const NOISE_RISE = 1.01

/** Scores of `DelayFinder`: an echo at first contact, another echo later on, and surely none. */
const CONTACT_SCORE = 2.6
const LATER_SCORE = 3
const OTHER_SCORE = 1.3
/** A score that has lasted for five blocks may be so much lower. */
const LASTING_WEIGHT = 3
const LASTING_BONUS = 0.4
/** Weights of `DelayFinder` after two, three, six and fifteen blocks. */
const EARLIEST_ECHO_WEIGHT = 1.7
const EARLIEST_OTHER_WEIGHT = 2.3
const LATER_PATIENCE = 3.2
const CONTACT_PATIENCE = 3.94

/** The known delay follows the tracker when that is so sure. */
const TRACK_SCORE = 2
const TRACK_AGREEMENT = 0.25
/** Signs of one block that agree like this at the known delay: mostly echo, */
const SURE_AGREEMENT = 0.4
/** which excuses so much excess. */
const SURE_EXCESS_DB = 3

/** Excess adds up, so that a single block decides nothing. */
const EVIDENCE_KEPT = 0.75
const TALK_EVIDENCE_DB = 5
const DOUBT_EVIDENCE_DB = 2.5
/** So much excess of one block keeps the gate open, for 400 ms. */
const TALK_EXCESS_DB = 1
const HOLD_BLOCKS = 20

/** A delay just found is checked against all others for so long. */
const VERIFY_BLOCKS = 8
/** A doubt is looked into with all lags at once for so long, then with one part after the other. */
const THOROUGH_BLOCKS = 6
/** Lags closer than 1 ms are the same echo. */
const SAME_LAG = 8

/** So many loud blocks without any echo, five seconds, make it unlikely that there will be one: */
const TIRED_BLOCKS = 250
/** from then on all lags are looked at once, and three times as long at none. */
const SWEEP_BLOCKS = 60

type Verdict = 'echo' | 'other' | 'undecided'

/**
 * Says of each received block whether it is our own voice.
 *
 *               loud at first contact: held back        a delay found
 *   ┌─────────┐ ───────────────────────► ┌─────────┐ ─────────────────► ┌──────────────────────┐
 *   │ unknown │                          │ suspect │                    │ known: silence       │
 *   └─────────┘ ◄─────────────────────── └─────────┘                    │  │ exceeds for some  │
 *        ▲        correlates with nothing                               │  ▼ blocks, and is no │
 *        │                                                              │    echo of another   │
 *   passes all; after the first 800 ms it still looks for a delay       │    delay             │
 *   in a sixth of all lags at a time                                    │ talk: passes, until  │
 *                                                                       │ 400 ms exceed nothing│
 *                                                                       └──────────────────────┘
 */
export class EchoJudge {
  /** Looks for a delay that is not known yet, or not any more. */
  readonly #search = new DelayFinder()
  /** Follows the known delay. */
  readonly #tracker = new DelayFinder()
  readonly #level = new EchoLevel()
  #lag: number | undefined
  #sentBlocks = 0
  #noisePower = MAX_INITIAL_NOISE
  #isInnocent = false
  /** Loud blocks since playback began in which no echo was found. */
  #fruitlessBlocks = 0
  #verifyBlocks = 0
  #doubtBlocks = 0
  #evidenceDb = 0
  #holdBlocks = 0

  /** The delay in samples of 8 kHz; `undefined` while no echo has been met. */
  get lag(): number | undefined {
    return this.#lag
  }

  /** A block was sent that can be heard. */
  noteAudible(): void {
    this.#sentBlocks += 1
  }

  /** Judges the last block of `received`. */
  isEcho(sent: AudioHistory, received: AudioHistory): boolean {
    const isLoud = this.#isLoud(received.power)
    if (this.#lag === undefined) return isLoud ? this.#meet(sent, received) : this.#rest()
    return this.#compare(sent, received, this.#lag)
  }

  #isLoud(power: number): boolean {
    this.#noisePower = Math.min(this.#noisePower * NOISE_RISE, power + 1)
    return power > Math.max(this.#noisePower * LOUD_RATIO, MIN_LOUD_POWER)
  }

  get #isContact(): boolean {
    return this.#sentBlocks <= CONTACT_BLOCKS
  }

  /** A caller with a headset speaks for long: looking for an echo all the time is wasted. */
  get #isResting(): boolean {
    const blocks = this.#fruitlessBlocks - TIRED_BLOCKS
    return blocks > 0 && blocks % (4 * SWEEP_BLOCKS) < 3 * SWEEP_BLOCKS
  }

  /** Something is heard while playing, and no delay is known: the caller, or the first echo. */
  #meet(sent: AudioHistory, received: AudioHistory): boolean {
    const search = this.#search
    const isContact = this.#isContact
    this.#fruitlessBlocks += 1
    if (this.#isResting) return false
    if (isContact) search.searchAll(sent, received)
    else search.searchPart(sent, received)
    const verdict = isContact
      ? this.#verdict(CONTACT_SCORE, CONTACT_PATIENCE)
      : this.#verdict(LATER_SCORE, LATER_PATIENCE)
    if (verdict === 'echo') {
      this.#lock(search.lag)
      this.#level.compare(sent, received, search.lag)
      this.#level.learn(true)
      return true
    }
    if (this.#sentBlocks <= EARLY_BLOCKS || verdict === 'other') this.#isInnocent = true
    return isContact && !this.#isInnocent
  }

  /** Nothing is heard: what comes next is a new suspect. */
  #rest(): boolean {
    this.#isInnocent = false
    if (this.#isContact) this.#search.restart()
    return false
  }

  #compare(sent: AudioHistory, received: AudioHistory, oldLag: number): boolean {
    const level = this.#level
    const lag = this.#track(sent, received, oldLag)
    level.compare(sent, received, lag)
    const isSure = this.#tracker.latestAgreement(lag, sent, received) > SURE_AGREEMENT
    const excessDb = Math.max(0, level.excessDb - (isSure ? SURE_EXCESS_DB : 0))
    this.#evidenceDb = this.#evidenceDb * EVIDENCE_KEPT + excessDb
    const verdict = this.#lookElsewhere(sent, received, isSure)
    if (verdict === 'echo' && Math.abs(this.#search.lag - lag) > SAME_LAG) {
      this.#lock(this.#search.lag)
      return true
    }
    const isEchoOnly = this.#holdBlocks === 0 && this.#evidenceDb < DOUBT_EVIDENCE_DB
    if (isSure || isEchoOnly) level.learn(isSure)
    this.#hold(excessDb, verdict)
    return this.#holdBlocks === 0 && level.isAudible
  }

  #track(sent: AudioHistory, received: AudioHistory, lag: number): number {
    const tracker = this.#tracker
    tracker.searchNear(lag, sent, received)
    const { weight, score, agreement } = tracker
    if (weight > 1 && score > TRACK_SCORE && agreement > TRACK_AGREEMENT) this.#lag = tracker.lag
    return this.#lag ?? lag
  }

  /** Whether what is received is an echo after all, of another delay. */
  #lookElsewhere(sent: AudioHistory, received: AudioHistory, isSure: boolean): Verdict {
    if (this.#verifyBlocks > 0) {
      this.#verifyBlocks -= 1
      this.#search.searchAll(sent, received)
      return this.#verdict(CONTACT_SCORE, LATER_PATIENCE)
    }
    if (this.#holdBlocks === 0 && this.#evidenceDb < DOUBT_EVIDENCE_DB) {
      this.#doubtBlocks = 0
      this.#search.restart()
      return 'undecided'
    }
    if (isSure) return 'undecided'
    this.#doubtBlocks += 1
    if (this.#doubtBlocks <= THOROUGH_BLOCKS) this.#search.searchAll(sent, received)
    else this.#search.searchPart(sent, received)
    return this.#verdict(LATER_SCORE, LATER_PATIENCE)
  }

  #verdict(echoScore: number, patienceWeight: number): Verdict {
    const { score, weight } = this.#search
    if (weight < EARLIEST_ECHO_WEIGHT) return 'undecided'
    if (score > (weight > LASTING_WEIGHT ? echoScore - LASTING_BONUS : echoScore)) return 'echo'
    if (weight < EARLIEST_OTHER_WEIGHT) return 'undecided'
    return score < OTHER_SCORE || weight > patienceWeight ? 'other' : 'undecided'
  }

  /** Opens the gate, keeps it open, or lets it close. */
  #hold(excessDb: number, verdict: Verdict): void {
    const isOpen = this.#holdBlocks > 0
    if (isOpen && excessDb > TALK_EXCESS_DB) this.#holdBlocks = HOLD_BLOCKS
    else if (this.#evidenceDb > TALK_EVIDENCE_DB && (isOpen || verdict === 'other')) {
      this.#holdBlocks = HOLD_BLOCKS
    } else if (isOpen) this.#holdBlocks -= 1
  }

  #lock(lag: number): void {
    this.#lag = lag
    this.#fruitlessBlocks = 0
    this.#tracker.restart()
    this.#verifyBlocks = VERIFY_BLOCKS
    this.#doubtBlocks = 0
    this.#evidenceDb = 0
    this.#holdBlocks = 0
  }
}
