import { describe, expect, test } from 'vitest'
import { endCauses } from '#access/domain/grant.ts'
import { type GrantState, type GrantStep, moveGrant, transitions } from '#access/domain/grant-transitions.ts'

const states: readonly GrantState[] = ['none', 'active', 'ended']
const steps: readonly GrantStep[] = ['given', ...endCauses]

const allowed: Readonly<Record<string, GrantState>> = {
  'none given': 'active',
  'active expired': 'ended',
  'active revoked': 'ended',
  'active incident over': 'ended',
}

describe('The life of a grant', () => {
  test.each(states.flatMap((state) => steps.map((step) => [state, step] as const)))(
    'from %s by “%s” goes where the table says, or nowhere',
    (state, step) => {
      expect(moveGrant(state, step)).toBe(allowed[`${state} ${step}`])
    },
  )

  test('has no states or steps beyond these', () => {
    expect(Object.keys(transitions).sort()).toEqual([...states].sort())
    const written = Object.entries(transitions).flatMap(([state, moves]) =>
      Object.keys(moves).map((step) => `${state} ${step}`),
    )
    expect(written.sort()).toEqual(Object.keys(allowed).sort())
  })

  test('ends by every cause there is, and has no way back', () => {
    for (const cause of endCauses) expect(moveGrant('active', cause)).toBe('ended')
    expect(transitions.ended).toEqual({})
  })
})
