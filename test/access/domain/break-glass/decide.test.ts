import { describe, expect, test } from 'vitest'
import { createGlassBook } from '#access/domain/break-glass/book.ts'
import { decideByGlass } from '#access/domain/break-glass/decide.ts'
import type { Glass } from '#access/domain/break-glass/pass.ts'
import type { DecisionRequest } from '#access/domain/decide-request.ts'
import { aGlass, glassBy, glassKey } from '../../../builders/break-glass.ts'
import { aPerson, minute, noon, provenOf, rulesOf, rulesText, serviceIn } from '../../../builders.ts'

const [alice, vault] = [glassKey(), glassKey()]
const rulesFor = (tier: string, text = rulesText) =>
  rulesOf(
    `${text}\nbreak_glass: { who: [sre], tier: ${tier}, for: 20m, need: 2, keys: { alice: ${alice.x}, vault: ${vault.x} } }\n`,
  )
const rules = rulesFor('operate')
/** The same, where only strong sign-ins may operate, and new ones. */
const strictText = rulesText.replaceAll(
  /(operate|admin):( +)\{ longest/g,
  '$1:$2{ sign_in: { acr: phr, max_age: 5m }, longest',
)
const sre = aPerson({ groups: ['sre'] })
const known = { knowsLocks: () => true, isLocked: () => false }
type Case = {
  readonly by?: typeof rules
  readonly glass?: Partial<Glass>
  readonly text?: string
  readonly request?: Partial<DecisionRequest>
  readonly view?: Partial<typeof known>
  readonly now?: number
}

const decide = ({ by = rules, glass = {}, text, request = {}, view = {}, now = noon }: Case) =>
  decideByGlass(
    by,
    { ...known, ...view },
    createGlassBook(by),
    { who: provenOf(sre), service: serviceIn(by), method: 'PUT', path: '/v1/flags/new', ...request },
    text ?? glassBy(aGlass(glass), alice, vault),
    now,
  )

describe('A request with a break-glass pass', () => {
  test('is admitted by it, under the lowest tier that admits it', () => {
    const decision = decide({})
    expect(decision).toMatchObject({
      allow: true,
      service: { name: 'orders-svc' },
      tier: { name: 'operate' },
      pattern: { text: 'PUT /v1/flags/*' },
      held: { grant: { why: { keys: ['alice', 'vault'] } } },
    })
    expect(decide({ request: { method: 'GET', path: '/' } })).toMatchObject({ tier: { name: 'observe' } })
  })

  test.each<[string, Case, string]>([
    ['whoever is locked out', { view: { isLocked: () => true } }, 'principal-locked'],
    ['a process that never knew who is', { view: { knowsLocks: () => false } }, 'view-missing'],
    ['a clock that shows nothing', { now: Number.NaN }, 'view-missing'],
    ['rules that know of none', { by: rulesOf() }, 'break-glass-none'],
    ['a pass that is none', { text: 'pbg1' }, 'break-glass-unreadable'],
    ['another environment', { glass: { environment: 'production' } }, 'break-glass-elsewhere'],
    [
      'somebody else’s',
      { request: { who: provenOf(aPerson({ subject: 'idp-eve', groups: ['sre'] })) } },
      'break-glass-not-yours',
    ],
    ['whom the rules don’t name', { request: { who: provenOf(aPerson()) } }, 'break-glass-people'],
    ['another service', { glass: { services: ['payments-svc'] } }, 'break-glass-service'],
    ['for longer', { glass: { until: noon + 20 * minute + 1 } }, 'break-glass-too-long'],
    ['a moment early', { now: noon - 1 }, 'break-glass-early'],
    ['at its end', { now: noon + 10 * minute }, 'break-glass-over'],
    ['a tier that there is not', { glass: { tier: 'root' } }, 'break-glass-tier'],
    ['a tier too high', { glass: { tier: 'admin' } }, 'break-glass-tier'],
    ['signed by one', { text: glassBy(aGlass(), alice) }, 'break-glass-unsigned'],
  ])('is refused and names no pass: %s', (_, one, reason) => {
    expect(decide(one)).toStrictEqual({ allow: false, reason })
  })

  test('is admitted in its last moment', () => {
    expect(decide({ now: noon + 10 * minute - 1 })).toMatchObject({ allow: true })
  })

  test.each<[string, Case, string]>([
    ['beyond its tier', { request: { method: 'DELETE' } }, 'tier-too-low'],
    ['beyond a lower tier of its own', { glass: { tier: 'observe' } }, 'tier-too-low'],
    ['what no tier allows', { request: { method: 'WS' } }, 'tier-none'],
    [
      'with a sign-in that is too weak, however new',
      { by: rulesFor('operate', strictText) },
      'sign-in-needed',
    ],
  ])('is refused and counted to the pass: %s', (_, one, reason) => {
    const decision = decide(one)
    expect(decision).toMatchObject({ allow: false, reason, held: { verified: true } })
  })

  test('looks at the signatures last', () => {
    expect(decide({ text: glassBy(aGlass({ until: noon + 60 * minute })) })).toMatchObject({
      reason: 'break-glass-unreadable',
    })
    expect(decide({ text: glassBy(aGlass({ until: noon + 60 * minute }), alice) })).toMatchObject({
      reason: 'break-glass-too-long',
    })
  })
})
