import { beforeEach, describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { remind } from '#workers/jobs/remind.ts'
import type { Tell } from '#workers/outbox/tell.ts'
import { aGrant } from '../../builders.ts'

let told: Grant[]
let order: string[]
beforeEach(() => {
  told = []
  order = []
})

const tell: Tell = {
  stepped: () => expect.fail('no step'),
  ended: () => expect.fail('no end'),
  locked: () => expect.fail('no lock'),
  askedAgain: () => expect.fail('no question'),
  begun: () => expect.fail('no beginning'),
  narrowed: () => expect.fail('no beginning'),
  reminder: async (grant) => {
    told.push(grant)
  },
}
const holding = (grant: Grant | undefined, genuine = true) => ({
  get: () => {
    order.push('looked')
    return grant === undefined ? undefined : ({ grant } as HeldGrant)
  },
  all: () => [],
  genuine: async () => genuine,
  epoch: () => 'epoch',
  confirmedUntil: () => Number.POSITIVE_INFINITY,
  catchUp: async () => {
    order.push('caught up')
  },
})
const grant = aGrant({ version: 3 })
const job = { grant: grant.id, version: 3 }

describe('A reminder', () => {
  test('is told of the version it was made for, as Redis has it now', async () => {
    await remind(holding(grant), tell, job)
    expect(told).toEqual([grant])
    expect(order).toEqual(['caught up', 'looked'])
  })

  test.each<[string, ReturnType<typeof holding>]>([
    ['was extended meanwhile', holding({ ...grant, version: 4 })],
    ['has ended', holding(undefined)],
    ['does not verify', holding(grant, false)],
    ['went back to an earlier version', holding({ ...grant, version: 2 })],
  ])('is not told when the pass %s', async (_, live) => {
    await remind(live, tell, job)
    expect(told).toEqual([])
  })

  test.each([
    [undefined],
    [null],
    ['x'],
    [{ grant: grant.id }],
    [{ ...job, version: '3' }],
    [{ version: 3 }],
  ])('is nothing that can be read from %j', async (data) => {
    await expect(remind(holding(grant), tell, data)).rejects.toThrow()
    expect(told).toEqual([])
  })
})
