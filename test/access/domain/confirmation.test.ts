import { describe, expect, test } from 'vitest'
import { confirmationShape, confirmedForMs, createConfirmations } from '#access/domain/confirmation.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import { createView } from '#access/domain/view.ts'
import { aGrant, aPerson, hour, noon, nthId, pageWhy, provenOf, rulesOf, serviceIn } from '../../builders.ts'

const by = aGrant().who
const taken = aGrant({ why: pageWhy(), step: 'taken', by })
const statement = (at: number, except: { incident: string; at: number }[] = []) => ({
  environment: 'sandbox',
  at,
  except,
})

describe('PagerDuty’s word', () => {
  test.each<[string, Partial<Grant>, number]>([
    ['is not needed by what was asked for', { why: aGrant().why }, Number.POSITIVE_INFINITY],
    ['is as old as what was attested for what somebody took', { by }, noon + confirmedForMs],
    ['is as new as a version that followed from it', { at: noon + hour }, noon + hour + confirmedForMs],
    ['is as old as what was attested where that is newer', { at: noon - hour }, noon + confirmedForMs],
    [
      'is as new as what it led to before somebody’s hand',
      { by, at: noon + 2 * hour, followed: noon + hour },
      noon + hour + confirmedForMs,
    ],
    ['is older for what is left out', { by, why: pageWhy('Q2') }, noon - hour + confirmedForMs],
  ])('%s', (_, changes, until) => {
    const word = createConfirmations()
    expect(word.put(statement(noon, [{ incident: 'Q2', at: noon - hour }]), noon, 'a')).toBe(true)
    expect(word.until(aGrant({ why: pageWhy(), ...changes }))).toBe(until)
  })

  test('never came before anything was attested', () => {
    expect(createConfirmations().until(taken)).toBe(Number.NEGATIVE_INFINITY)
  })

  test('is neither lost nor renewed by a click, and by however many', () => {
    const unheard = createConfirmations()
    const offered = aGrant({ why: pageWhy(), state: 'offered', step: 'offered', at: noon })
    const clicked = nextVersion(offered, 'taken', {}, noon + hour, by)
    expect(unheard.until(clicked)).toBe(noon + confirmedForMs)
    const again = nextVersion(
      nextVersion(clicked, 'extended', {}, noon + 2 * hour, by),
      'extended',
      {},
      0,
      by,
    )
    expect(unheard.until(again)).toBe(noon + confirmedForMs)
    const renewed = nextVersion(again, 'extended', {}, noon + 3 * hour)
    expect(renewed).not.toHaveProperty('followed')
    expect(unheard.until(renewed)).toBe(noon + 3 * hour + confirmedForMs)
    const asked = nextVersion(aGrant({ at: noon }), 'extended', {}, noon + hour, by)
    expect(asked).not.toHaveProperty('followed')
  })

  test('never goes back, and does not come from the future', () => {
    const word = createConfirmations()
    word.put(statement(noon), noon, 'a')
    expect(word.put(statement(noon - 1, [{ incident: 'Q1', at: 0 }]), noon, 'a')).toBe(true)
    expect(word.put(statement(noon + 2_001), noon, 'a')).toBe(false)
    expect(word.until(taken)).toBe(noon + confirmedForMs)
    // Within what clocks may differ it counts from now, and what is left out is no newer than the rest.
    expect(word.put(statement(noon + 2_000, [{ incident: 'Q1', at: noon + hour }]), noon, 'a')).toBe(true)
    expect(word.until(taken)).toBe(noon + confirmedForMs)
  })

  test('is that of other keys once its own was revoked, however new it was', () => {
    const word = createConfirmations()
    word.put(statement(noon), noon, 'a')
    word.put(statement(noon + 1), noon + 1, 'b')
    word.put(statement(noon + 2, [{ incident: 'Q1', at: 0 }]), noon + 2, 'a')
    expect(word.until(taken)).toBe(confirmedForMs)
    word.forget('a')
    expect([word.newest(), word.until(taken)]).toEqual([statement(noon + 1), noon + 1 + confirmedForMs])
    word.forget('b')
    expect([word.newest(), word.until(taken)]).toEqual([undefined, Number.NEGATIVE_INFINITY])
    expect(word.put(statement(noon), noon, 'c')).toBe(true)
    expect(word.until(taken)).toBe(noon + confirmedForMs)
  })

  test('leaves out no more than it can carry', () => {
    const except = Array.from({ length: 501 }, (_, index) => ({ incident: `Q${index}`, at: 0 }))
    expect(confirmationShape.safeParse(statement(noon, except)).success).toBe(false)
    expect(confirmationShape.safeParse(statement(noon, except.slice(1))).success).toBe(true)
  })
})

describe('A pass that PagerDuty does not confirm', () => {
  const rules = rulesOf()
  const view = createView()
  const next = view.resync(0)
  next.load({ ...taken, id: nthId(1) }, 'statement')
  next.commit()
  const decide = (method: string, now: number) => {
    view.headSeen(now)
    return decideRequest(
      rules,
      view,
      {
        who: provenOf(aPerson()),
        service: serviceIn(rules),
        method,
        path: method === 'GET' ? '/v1/orders' : '/v1/orders/7/retry',
      },
      now,
    )
  }

  test('lets look, and no more, to the millisecond and until it does again', () => {
    view.confirmations.put(statement(noon), noon, 'a')
    const over = noon + confirmedForMs
    expect(decide('POST', over - 1)).toMatchObject({ allow: true, tier: { name: 'operate' } })
    expect(decide('POST', over)).toMatchObject({ allow: false, reason: 'page-unconfirmed' })
    expect(decide('GET', over)).toMatchObject({ allow: true, tier: { name: 'observe' } })
    view.confirmations.put(statement(over), over, 'a')
    expect(decide('POST', over + 1_000)).toMatchObject({ allow: true })
  })
})
