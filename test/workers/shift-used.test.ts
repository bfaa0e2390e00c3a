import { describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import type { Usage } from '#access/domain/usage.ts'
import { createShiftUsed } from '#workers/shift-used.ts'
import { aGrant, pageWhy } from '../builders.ts'

const byShift = (changes: Partial<Grant> = {}): Grant =>
  aGrant({
    why: {
      ...pageWhy('Q1'),
      relieves: [{ issuer: 'i', subject: 'idp-ana', name: 'Ana Lopes' }],
    } as Grant['why'],
    ...changes,
  })
const once: Usage = { patterns: { 'GET /**': { 200: 1 } }, writes: 0, refused: {} }

/** The jobs that a report brings, where this is known now, or only after a look. */
const jobs = async (grant: Grant | undefined, usage: Usage, isNews = false) => {
  const added: unknown[] = []
  let known = isNews ? undefined : grant
  const live = {
    get: () => (known === undefined ? undefined : { grant: known, statement: '', verified: true }),
    catchUp: async () => {
      known = grant
    },
  }
  const queue = { add: async (...job: unknown[]) => void added.push(job) }
  const { id } = grant ?? aGrant()
  const report = { kind: 'usage', proxy: 'a', boot: 'a', grant: id, number: 1, usage } as const
  await createShiftUsed(live, queue as never)(report)
  return added
}

describe('A report of use', () => {
  test.each([false, true])('has the incident of a shift’s pass followed, once (news: %s)', async (isNews) => {
    const grant = byShift()
    expect(await jobs(grant, once, isNews)).toEqual([
      ['used', { incident: 'Q1', used: grant.id }, { jobId: `used-${grant.id}-Q1` }],
    ])
  })

  test.each<[string, Grant | undefined, Usage]>([
    ['is of what nobody knows', undefined, once],
    ['is of a page’s pass', aGrant({ why: pageWhy('Q1') }), once],
    ['is of what was asked for', aGrant(), once],
    ['is of what is only offered', byShift({ state: 'offered' }), once],
    [
      'is of who took over from nobody',
      byShift({ why: { ...pageWhy('Q1'), relieves: [] } as Grant['why'] }),
      once,
    ],
    ['is of refusals only', byShift(), { patterns: {}, writes: 0, refused: { 'tier-too-low': 3 } }],
  ])('changes nothing where it %s', async (_, grant, usage) => {
    expect(await jobs(grant, usage)).toEqual([])
  })
})
