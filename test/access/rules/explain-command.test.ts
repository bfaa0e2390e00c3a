import { describe, expect, test } from 'vitest'
import { scopeHash } from '#access/domain/scope.ts'
import { explainRequest } from '#access/rules/explain.ts'
import { aGrant, noon, parsedOf, rulesText } from '../../builders.ts'

const parsed = parsedOf(
  `${rulesText.replace('people: ', 'people:\n  commanders: { subjects: [idp-ben] } #')}\nincident_command: { who: [commanders], cap: operate }\n`,
)
const asked = { service: 'orders-svc', method: 'POST', path: '/v1/orders/7/retry', now: noon }
const ana = { subject: 'idp-ana', groups: ['team-payments'] }
const saidOf = (who: { subject: string; groups: string[] }, question: object = {}) =>
  explainRequest(parsed, { ...asked, ...question, who }).mends.map(({ say }) => say)

describe('An explanation says that a commander can add somebody', () => {
  const say = 'in an incident, have its commander (commanders) add you to operate'
  test('whom the rules let have the tier', () => {
    expect(saidOf(ana)).toContain(say)
  })

  test('and nobody else, nor above the cap, nor where there is none', () => {
    expect(saidOf({ subject: 'idp-eve', groups: [] })).not.toContain(say)
    expect(
      saidOf({ subject: 'idp-ben', groups: ['sre'] }, { path: '/any', method: 'DELETE' }).join(),
    ).not.toContain('commander')
    const without = explainRequest(parsedOf(), { ...asked, who: ana })
    expect(without.mends.map(({ kind }) => kind)).not.toContain('command')
  })

  test('and by whose approval a pass that one gave is held', () => {
    const by = { issuer: 'http://127.0.0.1:7074', subject: 'idp-ben', name: 'Ben Okafor' }
    const bare = aGrant({
      why: {
        kind: 'command',
        rule: 'incident_command',
        incident: { id: 'Q1', number: 7, title: 'orders are stuck' },
        commander: by,
        go: 'gggg-gggg-gggg',
        about: [],
      },
    })
    const approvals = [{ ...by, at: noon, teams: ['commanders'], scope: scopeHash(bare) }]
    const what = 'incident_command lets who added them add people to it'
    const [held, alone] = [{ ...bare, approvals }, bare].map((grant) =>
      explainRequest(parsed, { ...asked, who: ana, holds: [grant] }),
    )
    expect(held?.decision.allow).toBe(true)
    expect(held?.passes[0]).toMatchObject({ kind: 'command' })
    expect(held?.passes[0]?.conditions).toContainEqual({ what, held: true })
    expect(alone?.decision).toMatchObject({ allow: false, reason: 'grant-beyond-rules' })
    expect(alone?.passes[0]?.conditions.at(-1)).toEqual({ what, held: false })
  })
})
