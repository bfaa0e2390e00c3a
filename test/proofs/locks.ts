import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { grantIdFromFacts } from '#access/domain/grant-id.ts'
import type { Lock } from '#access/domain/lock.ts'
import type { LockStore } from '#access/ports.ts'
import { steadyPort } from '../free-ports.ts'
import { figuresOf, missedOf } from './figures.ts'
import { type Fleet, startFleet } from './fleet/fleet.ts'
import { type Holder, holderOf } from './fleet/holder.ts'
import { momentNow } from './fleet/moment.ts'
import { patiently } from './fleet/patiently.ts'
import { withRedis } from './fleet/with-redis.ts'
import { startRealBot } from './locks/real-bot.ts'
import { askEverywhere, freshToken, frontSecret, type Guarded } from './locks/surfaces.ts'
import type { Proof } from './proof.ts'

const proxies = 3
const people = 20
/** Of each person on each proxy, half of them WebSockets: 1,020 in all. */
const each = 17
const everyMs = 500
/** So many requests on each proxy are on their way around the lock, each with a token that is to be verified first. */
const around = 30
const apartMs = 1
/** Past that a request is no late one any more: nobody let the lock count. */
const latestMs = 2_000
const aim = { p99: 50, max: 250 }

/**
 * Locks (I-28): whoever is locked out is refused by every decision (passes, standing rules, WebSockets, front proxies that
 * ask, the bot's commands) and cut, also where their token was being verified. A thousand streams are open on three proxies;
 * from the moment that the lock was acknowledged until the service sees the last byte, at its own socket. A trial is a lock.
 */
export const proveLocks: Proof = (trials, say) =>
  withRedis('locks', say, async ({ folder, redis, ends }) => {
    const fleet = await startFleet(folder, redis.url, ends)
    const bot = await fleet.startBot()
    ends(bot.stop)
    const subjects = Array.from({ length: people }, (_, number) => `p${number}`)
    const [all, realBot] = await Promise.all([
      Promise.all(Array.from({ length: proxies }, (_, number) => startGuarded(fleet, number))),
      startRealBot(fleet, folder, redis.url, ends, subjects),
    ])
    const holders = subjects.map((subject) =>
      holderOf(fleet, all, bot.store, subject, { each, everyMs, roles: ['watch'] }),
    )
    for (const holder of holders) await holder.open()
    const violations: string[] = []
    const cuts: number[] = []
    const late: number[] = []
    let unconfirmed = 0
    let refused = 0

    for (let trial = 0; trial < trials; trial += 1) {
      const holder = holders[trial % holders.length] as Holder
      const { subject } = holder
      const violated = (what: string): void => void violations.push(`lock ${trial}: ${what}`)
      const controlled = await askEverywhere(fleet, all, subject, `before${trial}`)
      for (const [way, admitted] of controlled)
        if (!admitted) violated(`before it, ${way} was refused: this proves nothing`)

      const volleyed = await volleyOf(fleet, all, subject, trial)
      const lock = await lockOut(bot.locks, fleet, subject)
      const acknowledged = momentNow()
      const { ended, left, requests } = await holder.gone()
      const receipt = await bot.receipts.of(lock.sequence)
      if (receipt.confirmed.length < proxies) unconfirmed += 1
      const answers = await volleyed()
      const seen = [...requests, ...(await fleet.see()).requests]
      for (const { path, at } of seen) {
        const lateBy = at.mono - acknowledged.mono
        if (!path.includes(`/volley${trial}-`) || lateBy <= 0) continue
        late.push(lateBy)
        if (lateBy > latestMs) violated(`a request reached the service ${Math.round(lateBy)} ms after it`)
      }
      refused += answers.filter(({ status }) => status === 403).length
      for (const { endedAt } of ended)
        cuts.push(Math.max(0, (endedAt?.mono ?? Number.NaN) - acknowledged.mono))
      for (const { tag, lastFrame, endedAt } of ended)
        if (lastFrame !== undefined && endedAt !== undefined && lastFrame.mono > endedAt.mono)
          violated(`a frame came after the end of ${tag}`)
      if (left > 0) violated(`${left} streams go on`)
      if (ended.length < each * proxies) violated(`only ${ended.length} streams were seen to end`)

      for (const [way, admitted] of await askEverywhere(fleet, all, subject, `after${trial}`))
        if (admitted) violated(`${way} was let in`)
      const said = await realBot.say(subject, 'grant orders 1h because of more')
      if (said?.includes('locked out') !== true) violated(`the bot said: ${said ?? 'nothing'}`)
      await lift(bot.locks, lock)
      await patiently(
        async () =>
          (await askEverywhere(fleet, all, subject, `again${trial}`)).every(([, admitted]) => admitted),
        'whoever is let in again to get in',
      )
      await bot.store.end(holder.grant(), 'revoked')
      await holder.open()
      say(`${trial + 1} of ${trials} locks, ${violations.length} violations`)
    }
    if (refused === 0) violations.push('no request was on its way while somebody was locked out')
    return {
      violations,
      missed: [
        ...missedOf('cut', cuts, aim),
        ...(late.length === 0 ? [] : missedOf('request', late, aim)),
        ...(unconfirmed > 0 ? ['every proxy confirms in time'] : []),
      ],
      proxies,
      open_streams: people * proxies * each,
      refused_on_their_way: refused,
      unconfirmed_in_time: unconfirmed,
      ...figuresOf('cut', cuts),
      late_requests: late.length,
    }
  })

const startGuarded = async (fleet: Fleet, number: number): Promise<Guarded> => {
  const authzPort = await steadyPort()
  const env = { PAGEPASS_AUTHZ_LISTEN: `127.0.0.1:${authzPort}`, PAGEPASS_AUTHZ_SECRETS: frontSecret }
  const proxy = await fleet.startProxy(`proxy-${number + 1}`, { env })
  await proxy.untilReady()
  return { ...proxy, authzPort }
}

/** Requests with fresh tokens, begun a little before the lock. Resolves when they are under way, with what awaits their answers. */
const volleyOf = async (fleet: Fleet, all: readonly Guarded[], subject: string, trial: number) => {
  const wanted = []
  for (let number = 0; number < around; number += 1)
    for (const [at, { port }] of all.entries())
      wanted.push(fleet.at(port, await freshToken(fleet, subject), `volley${trial}-${at}n${number}`))
  const under = trial % 2 === 0 ? '/v1/asked' : '/standing'
  const done = fleet.order({ kind: 'volley', under, apart: apartMs, all: wanted })
  await sleep(apartMs * around)
  return async () => (await done).asked
}

type Put = { readonly lock: Lock; readonly sequence: number }
let at = 0
const versions = new Map<string, number>()
const put = async (locks: LockStore, lock: Omit<Lock, 'version' | 'at'>): Promise<Put> => {
  const before = versions.get(lock.who.subject) ?? 0
  at = Math.max(Date.now(), at + 1)
  const whole = { ...lock, version: before + 1, at }
  const { stored, sequence } = await locks.put(whole, before)
  if (!stored) throw new Error('the lock was not stored')
  versions.set(lock.who.subject, before + 1)
  return { lock: whole, sequence }
}

const lockOut = (locks: LockStore, { rules, issuer }: Fleet, subject: string): Promise<Put> => {
  const nonce = randomBytes(16).toString('base64url')
  const { environment } = rules
  return put(locks, {
    id: grantIdFromFacts(['lock', environment, subject, nonce]),
    environment,
    who: { issuer, subject, name: subject },
    state: 'locked',
    by: { kind: 'person', issuer, subject: 'idp-ben', name: 'Ben' },
    because: 'a proof',
    since: Date.now(),
    agreed: [],
    nonce,
  })
}

const lift = (locks: LockStore, { lock }: Put): Promise<Put> => {
  const agreed = ['idp-ben', 'idp-cho'].map((subject) => {
    return { issuer: lock.who.issuer, subject, name: subject, at: Date.now() }
  })
  return put(locks, { ...lock, state: 'free', agreed })
}
