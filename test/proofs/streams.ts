import type { EndCause } from '#access/domain/grant.ts'
import { figuresOf, missedOf } from './figures.ts'
import type { Ended } from './fleet/clients-main.ts'
import { type Fleet, type FleetProxy, startFleet } from './fleet/fleet.ts'
import { momentNow } from './fleet/moment.ts'
import { patiently } from './fleet/patiently.ts'
import type { Stream, StreamKind } from './fleet/service-main.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'

const proxies = 2
const kinds = ['events', 'download', 'upload', 'socket'] as const satisfies readonly StreamKind[]
/** Of each kind on each proxy. */
const each = 4
const everyMs = 10
/** A pass that expires leaves so much time to open everything. */
const leadMs = 5_000
const policyViolation = 1008
const aim = { p99: 50, max: 250 }

type Round = {
  readonly violations: readonly string[]
  readonly cuts: ReadonlyMap<StreamKind, readonly number[]>
  readonly told: readonly number[]
}

/**
 * Open streams (I-04): revocation and expiry, in turn, end long answers, events, uploads and WebSockets that send both ways;
 * clients of WebSockets are told 1008; nothing reaches the service once it has seen the end. A trial is a pass that ends with
 * some of each open.
 */
export const proveStreams: Proof = (trials, say) =>
  withRedis('streams', say, async ({ folder, redis, ends }) => {
    const fleet = await startFleet(folder, redis.url, ends)
    const bot = await fleet.startBot()
    ends(bot.stop)
    const all = await Promise.all(
      Array.from({ length: proxies }, (_, number) => fleet.startProxy(`proxy-${number + 1}`)),
    )
    await Promise.all(all.map(({ untilReady }) => untilReady()))
    const rounds: Round[] = []
    for (let trial = 0; trial < trials; trial += 1) {
      rounds.push(await endOnce(fleet, bot, all, trial % 2 === 0 ? 'revoked' : 'expired', trial))
      say(`${trial + 1} of ${trials} passes have ended`)
    }
    const cutsOf = (kind: StreamKind): number[] => rounds.flatMap(({ cuts }) => [...(cuts.get(kind) ?? [])])
    const cuts = kinds.flatMap(cutsOf)
    return {
      violations: rounds.flatMap(({ violations }) => violations),
      missed: missedOf('cut', cuts, aim),
      proxies,
      open_streams: each * proxies * kinds.length,
      ...figuresOf('cut', cuts),
      ...Object.assign({}, ...kinds.map((kind) => figuresOf(kind, cutsOf(kind)))),
      ...figuresOf(
        'client_told',
        rounds.flatMap(({ told }) => told),
      ),
    }
  })

const endOnce = async (
  fleet: Fleet,
  bot: Awaited<ReturnType<Fleet['startBot']>>,
  all: readonly FleetProxy[],
  how: EndCause,
  trial: number,
): Promise<Round> => {
  const violations: string[] = []
  const violated = (what: string): void => void violations.push(`pass ${trial} (${how}): ${what}`)
  const subject = `s${trial}`
  const token = await fleet.token(subject)
  const { grant, tags } = await opened(fleet, bot, all, token, subject, how)
  const ends = how === 'revoked' ? await revoke(bot, grant) : momentAt(grant.until)

  const seen = new Map<string, Stream>()
  const told = new Map<string, Ended>()
  await patiently(async () => {
    for (const stream of (await fleet.see()).streams)
      if (stream.endedAt !== undefined) seen.set(stream.tag, stream)
    for (const one of (await fleet.order({ kind: 'rest' })).ended) told.set(one.tag, one)
    return tags.every((tag) => seen.has(tag) && told.has(tag))
  }, 'every stream to end on both sides').catch(() => undefined)

  const cuts = new Map<StreamKind, number[]>(kinds.map((kind) => [kind, []]))
  for (const tag of tags) {
    const [stream, ended] = [seen.get(tag), told.get(tag)]
    if (stream?.endedAt === undefined) violated(`${tag} goes on at the service`)
    else {
      cuts.get(stream.kind)?.push(Math.max(0, stream.endedAt.mono - ends))
      if (stream.endedAt.mono < ends - 1) violated(`${tag} ended before its pass`)
      if (stream.lastFrame !== undefined && stream.lastFrame.mono > stream.endedAt.mono)
        violated(`a frame came after the end of ${tag}`)
    }
    if (ended === undefined) violated(`${tag} goes on at the client`)
    else if (tag.includes('socket') && ended.code !== policyViolation)
      violated(`${tag} was closed with ${ended.code ?? 'no code'}`)
  }
  return { violations, cuts, told: [...told.values()].map(({ at }) => Math.max(0, at.mono - ends)) }
}

/** A pass, and all of its streams open; once more where opening took too long. */
const opened = async (
  fleet: Fleet,
  bot: Awaited<ReturnType<Fleet['startBot']>>,
  all: readonly FleetProxy[],
  token: string,
  subject: string,
  how: EndCause,
) => {
  for (let attempt = 0; ; attempt += 1) {
    const grant = fleet.grantFor(subject, how === 'expired' ? leadMs * (attempt + 1) : 3_600_000)
    await bot.store.give(grant)
    const tags: string[] = []
    let inTime = true
    for (const as of kinds) {
      const wanted = all.flatMap(({ port }, at) =>
        Array.from({ length: each }, (_, number) =>
          fleet.at(port, token, `${subject}a${attempt}-${as}${at}n${number}`),
        ),
      )
      tags.push(...wanted.map(({ tag }) => tag))
      inTime &&= await fleet.open(as, everyMs, wanted, grant.until)
    }
    if (inTime && Date.now() < grant.until - 500) return { grant, tags }
    await patiently(async () => (await fleet.see()).streams.length === 0, 'what was late to end')
  }
}

const revoke = async (
  bot: Awaited<ReturnType<Fleet['startBot']>>,
  grant: ReturnType<Fleet['grantFor']>,
): Promise<number> => {
  await bot.store.end(grant, 'revoked')
  return momentNow().mono
}

const momentAt = (wall: number): number => {
  const now = momentNow()
  return now.mono + (wall - now.wall)
}
