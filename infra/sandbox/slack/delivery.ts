import type { Acknowledgement } from './acknowledgement.ts'
import { type SignedRequest, sendSigned, signedForm } from './signed-request.ts'
import type { EnvelopeType, SocketMode } from './socket-mode.ts'

/** How a delivery is made to look forged; all of these go over HTTP, whatever connections are open. */
export type Forgery = {
  /** `bad`: signed with another secret. */
  readonly signature?: 'bad'
  /** The time it says it was signed at, in milliseconds since 1970. */
  readonly signedAt?: number
  /** Sends this earlier request once more, byte by byte, in place of a new one. */
  readonly replay?: SignedRequest
}

export type Delivered = {
  readonly acknowledged: Acknowledgement
  /** What was sent over HTTP. */
  readonly request?: SignedRequest
}

export type DeliveryOptions = {
  readonly eventsUrl: string
  readonly signingSecret: string
  readonly sockets: SocketMode
  readonly now: () => number
}

/** Delivers over a connection in Socket Mode where there is one, and by HTTP where there is none. */
export const createDelivery =
  ({ eventsUrl, signingSecret, sockets, now }: DeliveryOptions) =>
  async (
    type: EnvelopeType,
    payload: object,
    form: Readonly<Record<string, string>>,
    { signature, signedAt, replay }: Forgery = {},
  ): Promise<Delivered> => {
    const isForged = signature !== undefined || signedAt !== undefined || replay !== undefined
    const overSocket = isForged ? undefined : sockets.deliver(type, payload)
    if (overSocket) return { acknowledged: await overSocket }
    const secret = signature === 'bad' ? `not-${signingSecret}` : signingSecret
    const request = replay ?? signedForm(secret, signedAt ?? now(), form)
    return { acknowledged: await sendSigned(eventsUrl, request), request }
  }

export type Deliver = ReturnType<typeof createDelivery>
