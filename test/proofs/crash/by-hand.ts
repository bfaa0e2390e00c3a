import type { Person } from '#infra/sandbox/people.ts'
import type { Place } from '../../journey/places.ts'
import { randomOf } from '../random.ts'
import { command, linger, liveOn, passIn, type Scene, untilDone } from './scene.ts'

/** Somebody asks for a pass of one service by hand again and again, makes it longer, and revokes it or lets it run out. */
export const askByHand = (scene: Scene, person: Person, service: Place['service']): Promise<void> => {
  const { ledger, seed } = scene
  const name = `${person.name} by hand on ${service}`
  const random = randomOf(seed, name)

  const life = async (number: number): Promise<void> => {
    const short = random.chance(0.3)
    const reason = `crash ${person.name} ${service} ${number}`
    // The tier is named: left out, it would be the page's for who is paged, and the page's pass be the answer.
    const pass = await untilDone(scene, `${reason}: a pass by hand`, async () => {
      const answer = await command(
        scene,
        person,
        `grant ${service} ${short ? '4s' : '40m'} observe because ${reason}`,
      )
      if (!answer.startsWith('You have a pass')) throw new Error(answer)
      return passIn(answer)
    })
    ledger.counts.passes_by_hand += 1
    ledger.promise({ kind: 'given', pass, to: reason, at: Date.now() })
    // A short one runs out by itself, whoever is killed meanwhile.
    if (short) return
    await linger(scene, random.between(0, 8_000))
    if (random.chance(0.6)) {
      await untilDone(scene, `${reason}: an extension`, async () => {
        const answer = await command(scene, person, `extend ${pass} 5m`)
        if (!answer.startsWith('Extended by')) throw new Error(answer)
        return true
      })
      ledger.promise({ kind: 'extended', pass, to: reason, at: Date.now() })
      await linger(scene, random.between(0, 6_000))
    }
    const answer = await untilDone(scene, `${reason}: a revocation`, async () => {
      const said = await command(scene, person, `revoke ${pass}`)
      // Where the first answer was lost there is nothing left to revoke.
      if (!said.startsWith('Revoked') && !said.includes('list')) throw new Error(said)
      return said
    })
    if (!answer.startsWith('Revoked')) return
    const confirmed = answer.includes('1 of 1 proxy confirmed')
    ledger.promise({ kind: 'revoked', pass, confirmed, at: Date.now() })
  }
  return liveOn(scene, name, life, () => random.between(2_000, 8_000))
}
