import { connectPrompt } from '#access/adapters/redis/connect.ts'
import { names } from '#access/adapters/redis/names.ts'
import { readUnverified } from '#access/adapters/statements.ts'
import { type Service, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { type Person, people } from '#infra/sandbox/people.ts'
import { preciseNow } from '#infra/sandbox/services/streams.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { type Answer, call, openStream } from '../http-client.ts'
import type { Stack } from '../running-stack.ts'

/** What one round measured, in milliseconds, and what the channel should be told of it. */
export type Round = {
  readonly pageToAccess: number
  readonly revokeSentToCut: number
  readonly revokeAckToLastByte: number
  readonly resolveToCut: number
  readonly commandAnswers: readonly number[]
  readonly channel: 'inc-orders' | 'inc-payments'
  /** What one summary each must contain. */
  readonly summaries: readonly (readonly string[])[]
}

type Violated = (what: string) => void
type Place = {
  readonly service: 'orders-svc' | 'payments-svc'
  readonly pagerduty: Service
  readonly paged: Person
}

const pagerDutyService = (id: string): Service => {
  const found = serviceWithId(id)
  if (found === undefined) throw new Error(`the sandbox has no PagerDuty service ${id}`)
  return found
}

const places: readonly Place[] = [
  { service: 'orders-svc', pagerduty: pagerDutyService('PORDERS'), paged: people.ana },
  { service: 'payments-svc', pagerduty: pagerDutyService('PPAYMTS'), paged: people.cho },
]
const datadog = (service: string) => ({ kind: 'integration', id: 'PIDATADOG', service }) as const
const patienceMs = 10_000
const lookEveryMs = 5
const passId = /`?([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})`?/

/** Steps 1 to 6 once: page, use, ask by hand, list, revoke, resolve. */
export const runRound = async (stack: Stack, number: number, violated: Violated): Promise<Round> => {
  const place = places[number % places.length] as Place
  const service = place.service === 'orders-svc' ? stack.world.orders : stack.world.payments
  const expect = expecting(violated)
  const as = await callers(stack, place)

  expect('before the page, the paged person is refused', (await as.paged('GET', '/v1/orders')).status, 403)
  const title = `stuck orders (round ${number})`
  const triggeredAt = preciseNow()
  const incident = stack.world.pagerduty.incidents.trigger({
    service: place.pagerduty,
    title,
    by: datadog(place.pagerduty.id),
    urgency: 'high',
    assignTo: place.paged.pagerduty.user,
  })
  await until('the page gives access', async () => (await as.paged('GET', '/v1/orders')).status === 200)
  const pageToAccess = preciseNow() - triggeredAt

  const posted = await as.paged('POST', '/v1/orders/7/retry', '{"reason":"stuck"}')
  expect('a POST in the tier is forwarded', posted.status, 200)
  expect('the upstream read the whole body', posted.body.includes('18'), true)
  const tooFar = await as.paged('DELETE', '/v1/orders/7')
  expect('outside the tier is refused', tooFar.status, 403)
  expect('the refusal names its reason', problem(tooFar).reason, 'tier-too-low')
  expect(
    'the refusal names the command',
    problem(tooFar).ask,
    `/access grant ${place.service} 1h admin because …`,
  )
  const pagedStream = await as.stream(place.paged)
  expect('the paged person may open a stream', pagedStream.status, 200)

  expect('without a token: who are you', (await as.nobody('GET', '/v1/orders')).status, 401)
  expect('without a pass: refused', (await as.eve('GET', '/v1/orders')).status, 403)
  expect('an unknown service: not found', (await as.elsewhere('GET', '/v1/orders')).status, 404)
  expect(
    'an upstream sees no credential of ours',
    (await as.paged('GET', '/echo')).body.includes('Bearer'),
    false,
  )

  const commandAnswers: number[] = []
  const slash = async (text: string): Promise<{ answer: string; at: number }> => {
    const sentAt = preciseNow()
    const sent = await stack.world.slack.sendCommand(people.ben, '/access', text)
    const at = preciseNow()
    commandAnswers.push(at - sentAt)
    return { answer: sent.answer === undefined ? `(${sent.failure})` : messageText(sent.answer), at }
  }
  const granted = await slash(`grant ${place.service} 2h because stuck (round ${number})`)
  const pass = passId.exec(granted.answer)?.[1] ?? ''
  expect('a pass by hand is granted', granted.answer.includes('You have a pass'), true)
  await until('the pass by hand gives access', async () => (await as.ben('GET', '/v1/orders')).status === 200)
  expect('the pass is listed', (await slash('list')).answer.includes(pass), true)

  const streamsBefore = service.streams().length
  const benStream = await as.stream(people.ben)
  const upstream = service.streams()[streamsBefore]
  const revokeSentAt = preciseNow()
  const revoked = await slash(`revoke ${pass}`)
  expect(
    'the revocation has its receipt',
    revoked.answer.includes('1 of 1 proxy confirmed, 1 stream cut'),
    true,
  )
  expect('after the revocation: refused', (await as.ben('GET', '/v1/orders')).status, 403)
  await benStream.closed
  await until('the upstream sees the cut', async () => upstream?.closedAt !== undefined)
  const cutAt = upstream?.closedAt ?? Number.NaN

  const pagedUpstream = service.streams()[streamsBefore - 1]
  expect('another’s stream goes on', pagedUpstream?.closedAt, undefined)
  const resolvedAt = preciseNow()
  stack.world.pagerduty.incidents.resolve(incident.id, datadog(place.pagerduty.id))
  await pagedStream.closed
  await until('the upstream sees the end', async () => pagedUpstream?.closedAt !== undefined)
  const resolveToCut = (pagedUpstream?.closedAt ?? Number.NaN) - resolvedAt
  expect('after the incident: refused', (await as.paged('GET', '/v1/orders')).status, 403)

  return {
    pageToAccess,
    revokeSentToCut: cutAt - revokeSentAt,
    revokeAckToLastByte: Math.max(0, Math.max(cutAt, upstream?.lastByteAt ?? 0) - revoked.at),
    resolveToCut,
    commandAnswers,
    channel: place.service === 'orders-svc' ? 'inc-orders' : 'inc-payments',
    summaries: [
      [
        title,
        place.paged.fullName,
        'had operate',
        'the incident ended',
        '1 write',
        '1 refusal',
        '1 × tier-too-low',
        '1 × cut',
      ],
      [
        pass,
        'Ben Okafor',
        'had observe',
        `stuck (round ${number})`,
        'it was revoked by Ben Okafor',
        '1 × cut',
      ],
    ],
  }
}

/** A pass runs out while the workers are stopped. Returns how late the open stream was cut. */
export const runExpiry = async (stack: Stack, violated: Violated): Promise<number> => {
  const place = places[0] as Place
  const expect = expecting(violated)
  const as = await callers(stack, place)
  const sent = await stack.world.slack.sendCommand(
    people.ben,
    '/access',
    `grant ${place.service} 2s because expiry`,
  )
  const asked = preciseNow()
  expect(
    'the short pass is granted',
    sent.answer !== undefined && messageText(sent.answer).includes('You have a pass'),
    true,
  )
  await until('the short pass gives access', async () => (await as.ben('GET', '/v1/orders')).status === 200)
  const before = stack.world.orders.streams().length
  const stream = await as.stream(people.ben)
  await stream.closed
  const upstream = stack.world.orders.streams()[before]
  await until('the upstream sees the end', async () => upstream?.closedAt !== undefined)
  expect('after the end: refused', (await as.ben('GET', '/v1/orders')).status, 403)
  const closedAt = upstream?.closedAt ?? Number.NaN
  const dueAt = await untilOf(stack)
  if (Number.isNaN(dueAt)) violated('the pass has no end')
  if (closedAt < asked) violated('the stream was never open')
  return closedAt - dueAt
}

/** When the newest pass of Ben ends, read from its signed statement in Redis. */
const untilOf = async (stack: Stack): Promise<number> => {
  const redis = connectPrompt(stack.redisUrl, () => undefined)
  try {
    await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
    const grants = Object.values(await redis.hgetall(names.live)).map((statement) =>
      readUnverified('grant', statement),
    )
    return Math.max(
      ...grants.filter(({ who }) => who.subject === people.ben.subject).map(({ until }) => until),
    )
  } finally {
    redis.disconnect()
  }
}

const expecting =
  (violated: Violated) =>
  (what: string, got: unknown, wanted: unknown): void => {
    if (got !== wanted) violated(`${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`)
  }

const callers = async (stack: Stack, { service, paged }: Place) => {
  const { proxy: port } = stack.ports
  const host = `${service}.localhost`
  const token = async (person: Person): Promise<string> => await stack.world.idp.tokenFor(person)
  const tokens = { paged: await token(paged), ben: await token(people.ben), eve: await token(people.eve) }
  const caller =
    (bearer: string | undefined, at = host) =>
    (method: string, path: string, body?: string): Promise<Answer> =>
      call({
        port,
        host: at,
        method,
        path,
        ...(bearer === undefined ? {} : { token: bearer }),
        ...(body === undefined ? {} : { body }),
      })
  return {
    paged: caller(tokens.paged),
    ben: caller(tokens.ben),
    eve: caller(tokens.eve),
    nobody: caller(undefined),
    elsewhere: caller(tokens.paged, 'nosuch-svc.localhost'),
    stream: (person: Person) =>
      openStream({
        port,
        host,
        path: '/events?every=20',
        token: person === paged ? tokens.paged : tokens.ben,
      }),
  }
}

const problem = (answer: Answer): { reason?: string; ask?: string } =>
  JSON.parse(answer.body) as { reason?: string; ask?: string }

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}
