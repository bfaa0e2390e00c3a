import { connectPrompt } from '#access/adapters/redis/connect.ts'
import { names } from '#access/adapters/redis/names.ts'
import { readUnverified } from '#access/adapters/statements.ts'
import { people } from '#infra/sandbox/people.ts'
import { preciseNow } from '#infra/sandbox/services/streams.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import type { Stack } from '../running-stack.ts'
import { callers } from './callers.ts'
import { type Place, places } from './places.ts'
import { expecting, shortSeconds, type Violated } from './round.ts'
import { until } from './until.ts'

/** A pass runs out while the workers are stopped. Returns how late the open stream was cut. */
export const runExpiry = async (
  stack: Stack,
  violated: Violated,
  seconds = shortSeconds,
): Promise<number> => {
  const place = places[0] as Place
  const expect = expecting(violated)
  const as = await callers(stack, place)
  const sent = await stack.world.slack.sendCommand(
    people.ben,
    '/access',
    `grant ${place.service} ${seconds}s because expiry`,
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
      ...grants.filter(({ who }) => who.subject === people.ben.subject).map(({ until: end }) => end),
    )
  } finally {
    redis.disconnect()
  }
}
