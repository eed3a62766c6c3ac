/**
 * The media of a call, as far as signalling has to know it: an SDP goes out, an SDP comes in
 * (RFC 3264). All three may be called again at any time of the call, by a hold or a move of either
 * end. Sockets are to be open before the first call.
 */
export interface SipMedia {
  /** Our offer, as the media is to be now. */
  createOffer(): string
  /** Our answer to an offer; throws `bad_sdp` or `no_common_codec`, and then all stays as it was. */
  answerOffer(offer: string): string
  /** The answer to our last offer; throws like `answerOffer`. */
  acceptAnswer(answer: string): void
}
