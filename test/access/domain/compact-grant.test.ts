import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { keepCompactly, keepPlainly, versionOf } from '#access/domain/compact-grant.ts'
import { type Grant, grantShape } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { principalKey } from '#access/domain/principal.ts'
import { createView, type View } from '#access/domain/view.ts'
import { aGrant, anEnd, noon, nthId, pageWhy } from '../../builders.ts'

const encoded = (what: string | Uint8Array): string => Buffer.from(what).toString('base64url')
const signature = encoded(Uint8Array.from({ length: 64 }, (_, index) => index * 4))
const header = encoded(JSON.stringify({ alg: 'EdDSA', typ: 'pagepass-grant+jws', kid: 'issue-1' }))
const signed = (grant: Grant, by = header): string => `${by}.${encoded(JSON.stringify(grant))}.${signature}`

describe('A grant that is kept compactly', () => {
  test.each<[string, Grant]>([
    ['an ordinary one', aGrant()],
    ['one with all that a page brings', aGrant({ why: pageWhy(), extended: 2, kept: true })],
    ['one with names beyond ASCII', aGrant({ who: { ...aGrant().who, name: 'Zoë Łęcka 李 🙂' } })],
    ['one with half a character', aGrant({ who: { ...aGrant().who, name: '\ud800' } })],
  ])('is read as it was written, and its statement is the same to the byte: %s', (_, grant) => {
    const statement = signed(grant)
    const held = keepCompactly(grant, statement)
    expect(held.grant).toEqual(grant)
    expect(held.grant).toBe(held.grant)
    expect(held.statement).toBe(statement)
    expect(held.verified).toBe(false)
    expect(versionOf(held)).toMatchObject({ id: grant.id, version: grant.version })
  })

  test('is the one of the statement, whatever is said of it', () => {
    const held = keepCompactly(aGrant({ tier: 'admin' }), signed(aGrant({ tier: 'observe' })))
    expect(held.grant.tier).toBe('observe')
  })
})

test('A view that keeps its grants compactly reads none that nobody asks for', () => {
  const read = vi.spyOn(grantShape, 'parse')
  const view = createView(keepCompactly)
  const load = (): void => {
    const next = view.resync(0)
    for (const number of [1, 2]) {
      const grant = aGrant({ id: nthId(number) })
      next.unprovenOf(grant)
      next.load(grant, signed(grant))
    }
    next.unproven()
    next.commit()
  }
  load()
  load()
  const grant = aGrant({ id: nthId(3) })
  const { given } = view.apply({ kind: 'grant', sequence: 1, grant, statement: signed(grant) })
  if (given === undefined) return expect.fail('it was not given')
  view.proved(given)
  load()
  const held = view.heldBy('orders-svc', principalKey(grant.who))?.grants
  expect(held).toHaveLength(2)
  expect(read).not.toHaveBeenCalled()
  expect(held?.[0]?.grant).toEqual(aGrant({ id: nthId(1) }))
  expect(read).toHaveBeenCalledOnce()
  read.mockRestore()
})

type Step =
  | { readonly kind: 'given' | 'over'; readonly grant: Grant }
  | { readonly kind: 'proved'; readonly id: string }
  | { readonly kind: 'rejected'; readonly id: string }
  | { readonly kind: 'resync'; readonly grants: readonly Grant[] }

const people = ['idp-ana', 'idp-ben']
const services = [['orders-svc'], ['orders-svc', 'payments-svc'], ['payments-svc']]
const anyGrant = fc
  .record({
    id: fc.nat(3).map(nthId),
    version: fc.integer({ min: 1, max: 4 }),
    subject: fc.constantFrom(...people),
    of: fc.constantFrom(...services),
    state: fc.constantFrom('active', 'pending' as const),
  })
  .map(({ id, version, subject, of, state }) =>
    aGrant({ id, version, services: of, state, who: { ...aGrant().who, subject }, until: noon + version }),
  )
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('given', 'over' as const), grant: anyGrant }),
  fc.record({ kind: fc.constantFrom('proved', 'rejected' as const), id: fc.nat(3).map(nthId) }),
  fc.record({
    kind: fc.constant('resync' as const),
    grants: fc.uniqueArray(anyGrant, { selector: ({ id }) => id }),
  }),
)

/** All that a view tells, in words that two views can be compared by. */
const told = (view: View): unknown => ({
  live: [...view.all()].map(({ grant, statement, verified }) => [grant, statement, verified]),
  set: view.at(view.sequence()),
  held: ['orders-svc', 'payments-svc'].map((service) =>
    people.map((subject) =>
      view
        .heldBy(service, principalKey({ ...aGrant().who, subject }))
        ?.grants.map(({ statement, verified }) => [statement, verified]),
    ),
  ),
})
const named = (held: HeldGrant | undefined): unknown => held && [held.statement, held.verified]

const take = (view: View, step: Step): unknown => {
  if (step.kind === 'resync') {
    const next = view.resync(view.sequence())
    const loaded = step.grants.map((grant) => [
      next.unprovenOf(grant).map(named),
      named(next.load(grant, signed(grant))),
    ])
    const unproven = next.unproven().map(named)
    next.commit()
    return [loaded, unproven]
  }
  if (step.kind === 'proved' || step.kind === 'rejected') {
    const held = view.get(step.id)
    if (held === undefined) return undefined
    return step.kind === 'proved' ? view.proved(held) : view.reject(held)
  }
  const sequence = view.sequence() + 1
  const { kind, grant } = step
  const { gap, given, ended, replaced, newer, unproven } = view.apply(
    kind === 'given'
      ? { kind: 'grant', sequence, grant, statement: signed(grant) }
      : { kind: 'end', sequence, end: anEnd(grant), statement: 'end' },
  )
  return [gap, ...[given, ended, replaced, newer, unproven].map(named)]
}

test('A view that keeps its grants compactly tells what one that keeps them plainly does', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 25 }), (steps) => {
      const views = [createView(keepPlainly), createView(keepCompactly)] as const
      const start: Step = { kind: 'resync', grants: [] }
      for (const step of [start, ...steps]) {
        const [plain, compact] = views.map((view) => [take(view, step), told(view)])
        expect(compact).toEqual(plain)
      }
    }),
    { numRuns: 300 },
  )
})
