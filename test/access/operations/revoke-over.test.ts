import { expect, test } from 'vitest'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { aGrant } from '../../builders.ts'
import { ana, aWorld, eve, hour, minute, noon } from './a-world.ts'

const over = aGrant({ tier: 'observe', from: noon - hour, until: noon })

test('A pass that is over and not ended yet is revoked by its id, and not by somebody else', async () => {
  const world = aWorld()
  await world.put(over)
  expect(await revokeGrant(world.parts, eve, over.id)).toMatchObject({ refused: 'not-yours' })
  expect(await revokeGrant(world.parts, ana, over.id)).toMatchObject({ revoked: { id: over.id } })
  expect(world.endOf(over.id)?.cause).toBe('revoked')
})

test('An extension that was decided in time and is stored late does not outlive a revocation', async () => {
  const world = aWorld()
  world.clock.set(noon - 1)
  await world.put(over)
  const slow = world.runner()
  world.beforeWrite(async () => {
    world.clock.set(noon)
    await revokeGrant(world.runner(), ana, over.id)
  })
  expect(await extendGrant(slow, ana, over.id, minute)).toMatchObject({
    refused: { reason: 'grant-unknown' },
  })
  expect(world.standing()).toEqual([])
})
