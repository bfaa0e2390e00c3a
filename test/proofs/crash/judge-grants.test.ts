import { expect, test } from 'vitest'
import type { EndBody, GrantBody, Life } from './history.ts'
import { judgeGrants } from './judge-grants.ts'
import { createLedger, type Promised } from './ledger.ts'

const page = (incident: string): GrantBody['why'] => ({
  kind: 'page',
  incident: { id: incident, number: 1, title: incident },
})
const version = (id: string, number: number, changes: Partial<GrantBody> = {}): GrantBody => ({
  id,
  version: number,
  state: 'active',
  step: number === 1 ? 'given' : 'extended',
  who: { subject: 'idp-ana', name: 'Ana' },
  services: ['orders-svc'],
  tier: 'operate',
  from: 100,
  until: 1_000,
  at: 100,
  why: page('I1'),
  ...changes,
})
const life = (versions: readonly GrantBody[], end?: Partial<EndBody>): Life => ({
  id: versions[0]?.id ?? '',
  versions: [...versions],
  end: {
    id: versions[0]?.id ?? '',
    version: versions.length + 1,
    state: 'ended',
    cause: 'revoked',
    at: 500,
    ...end,
  },
})
const { end: _end, ...endless } = life([version('a', 1)])

const found = (lives: readonly Life[], promised: readonly Promised[] = []): string => {
  const ledger = createLedger(() => undefined)
  for (const it of promised) ledger.promise(it)
  ledger.resolved.set('I1', 400)
  judgeGrants({ events: [], faults: [], lives: new Map(lives.map((one) => [one.id, one])) }, ledger)
  return ledger.violations.join('\n')
}
const promise = (kind: 'given' | 'taken' | 'extended'): Promised => ({ kind, pass: 'a', to: 'Ana', at: 200 })

test.each<[string, Life[], Promised[], string]>([
  ['a pass that was promised and is there', [life([version('a', 1)])], [promise('given')], ''],
  ['a pass that is nowhere', [], [promise('given')], 'lost: pass a, given'],
  [
    'a pass that was only offered',
    [life([version('a', 1, { state: 'offered' })])],
    [promise('given')],
    'was never active',
  ],
  ['a click that left nothing', [life([version('a', 1)])], [promise('taken')], 'lost: the taking of a'],
  [
    'the second of two extensions',
    [life([version('a', 1), version('a', 2)])],
    [promise('extended'), promise('extended')],
    'lost: extension 2 of a',
  ],
  [
    'a revocation that another end took the place of',
    [life([version('a', 1)], { cause: 'expired' })],
    [{ kind: 'revoked', pass: 'a', confirmed: true, at: 300 }],
    'lost: the revocation of a; it ended: expired',
  ],
  [
    'the same page twice at a time',
    [life([version('a', 1)]), life([version('b', 1, { at: 499 })])],
    [],
    'double: a',
  ],
  [
    'the same page again, after the end',
    [life([version('a', 1)]), life([version('b', 1, { at: 500 })])],
    [],
    '',
  ],
  [
    'a moved pass beside the one of its new incident',
    [
      life([version('a', 1, { why: page('I2') }), version('a', 2, { step: 'moved' })]),
      life([version('b', 1)]),
    ],
    [],
    '',
  ],
  ['a pass whose incident is over', [endless], [], 'pass a lives on after incident I1 was resolved'],
])('the judge finds: %s', (_what, lives, promised, words) => {
  if (words === '') expect(found(lives, promised)).toBe('')
  else expect(found(lives, promised)).toContain(words)
})
