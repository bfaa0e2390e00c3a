import { decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { signHeads } from '#access/adapters/redis/sign-heads.ts'
import { createView, type View } from '#access/domain/view.ts'
import { aGrant, freshDatabase, freshStatements, frozenClock, noon, until } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let parts: Awaited<ReturnType<typeof freshStatements>>
const stops: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 23)
  parts = await freshStatements()
})
beforeEach(async () => {
  await database.redis.flushdb()
  await prepareStore(database.redis, 'epoch-1')
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => database.close())

const inStep = (sequence = 0): View => {
  const view = createView()
  const next = view.resync(sequence)
  next.load(aGrant(), 'statement')
  next.commit()
  return view
}
const startSigner = (part: 'bot' | 'workers', view = inStep(), epoch = 'epoch-1') => {
  const signer = signHeads({
    redis: database.redis,
    view,
    statements: parts[part],
    clock: frozenClock(),
    instance: part,
    environment: 'sandbox',
    epoch: () => epoch,
    inTouch: () => true,
    newEpoch: () => 'epoch-new',
    alarm: () => undefined,
  })
  stops.push(signer.stop)
  return signer
}

const heads = async (): Promise<string[]> =>
  (await database.redis.xrange(names.heads, '-', '+')).map(([, fields]) => fields[1] ?? '')
const signers = async (): Promise<string[]> =>
  (await heads()).map((head) => decodeProtectedHeader(head).kid ?? '')

describe('Heads', () => {
  test('say what is live, by whoever signs them', async () => {
    const view = inStep()
    startSigner('workers', view)
    await until(async () => (await heads()).length > 0, 'a head')
    expect(await parts.proxy.verify('head', (await heads())[0] ?? '')).toEqual({
      environment: 'sandbox',
      at: noon,
      epoch: 'epoch-1',
      sequence: 0,
      ...view.at(0),
    })
  })

  // Both are in this process: where it stands still for as long as the place is kept, either may have it next.
  test('are signed by one of several, and by another soon after that one stops', { retry: 3 }, async () => {
    const first = startSigner('bot')
    await until(async () => (await heads()).length > 0, 'the first head')
    startSigner('workers')
    await until(async () => (await heads()).length >= 3, 'some more')
    expect(new Set(await signers())).toEqual(new Set(['bot-head-1']))
    await first.stop()
    await until(async () => (await signers()).includes('workers-head-1'), 'the other takes over')
    const all = await signers()
    expect(all.slice(all.indexOf('workers-head-1'))).not.toContain('bot-head-1')
  })

  test.each<[string, () => View, string]>([
    ['was never in step', createView, 'epoch-1'],
    ['is in step with a Redis that is no more', () => inStep(), 'epoch-0'],
    ['knows events that this Redis has lost', () => inStep(7), 'epoch-1'],
  ])('are not signed by a process that %s, and it does not keep others from it', async (_, view, epoch) => {
    startSigner('bot', view(), epoch)
    startSigner('workers')
    await until(async () => (await heads()).length >= 2, 'heads of the other')
    expect(new Set(await signers())).toEqual(new Set(['workers-head-1']))
  })
})
