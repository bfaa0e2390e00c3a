import type { Grant } from '#access/domain/grant.ts'
import type { GrantStore } from '#access/ports.ts'
import type { Fleet, FleetProxy } from './fleet.ts'
import type { Request, Stream } from './service-main.ts'

const patienceMs = 30_000

export type Gone = {
  readonly ended: readonly Stream[]
  /** How many of theirs go on. */
  readonly left: number
  /** What else the service saw meanwhile, of whomever. */
  readonly requests: readonly Request[]
}

/** Somebody with one pass at a time, and streams under it on every proxy: half of them WebSockets. */
export const holderOf = (
  fleet: Fleet,
  all: readonly FleetProxy[],
  store: Pick<GrantStore, 'give'>,
  subject: string,
  {
    each,
    everyMs,
    roles = [],
  }: { readonly each: number; readonly everyMs: number; readonly roles?: readonly string[] },
) => {
  let grant = fleet.grantFor(subject, 3_600_000)
  let opened = 0
  const isOwn = ({ tag }: Stream): boolean => tag.startsWith(`${subject}g${opened}-`)
  return {
    subject,
    grant: (): Grant => grant,
    open: async (): Promise<void> => {
      const token = await fleet.token(subject, { roles })
      grant = fleet.grantFor(subject, 3_600_000)
      opened += 1
      await store.give(grant)
      for (const as of ['events', 'socket'] as const) {
        const count = as === 'events' ? Math.ceil(each / 2) : Math.floor(each / 2)
        const wanted = all.flatMap(({ port }, at) =>
          Array.from({ length: count }, (_, number) =>
            fleet.at(port, token, `${subject}g${opened}-${as}${at}n${number}`),
          ),
        )
        await fleet.open(as, everyMs, wanted)
      }
    },
    /** What the service saw of its streams, once they have ended or patience has. */
    gone: async (): Promise<Gone> => {
      const tooLate = AbortSignal.timeout(patienceMs)
      const ended: Stream[] = []
      const requests: Request[] = []
      for (;;) {
        const saw = await fleet.see()
        const own = saw.streams.filter(isOwn)
        requests.push(...saw.requests)
        ended.push(...own.filter(({ endedAt }) => endedAt !== undefined))
        const left = own.filter(({ endedAt }) => endedAt === undefined).length
        if (left === 0 || tooLate.aborted) return { ended, left, requests }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}
export type Holder = ReturnType<typeof holderOf>
