import { type BackEnd, backEnds } from '../../builders/back-ends.ts'
import { round } from '../../measure.ts'
import { type Random, randomOf } from '../random.ts'
import { addressOf, converse } from './converse.ts'
import { type Scene, startScene } from './scene.ts'

/** The bytes of one client, in the parts in which it sends them. */
export type Attack = (scene: Scene, number: number, random: Random, client: string) => Promise<string[]>

export type Figures = { readonly admitted: number; readonly refused: number; readonly done: number }

const batch = 600
/** So many clients at a time, most of whom wait. */
const lanes = 48
const told = 20

/**
 * So many attacks by one name, in equal parts before each kind of server; the same seed makes the same. Trial n is made
 * from the seed, the name and n alone.
 */
export const runAttacks = async (
  name: string,
  attack: Attack,
  trials: number,
  seed: number,
  { redisUrl, database, say }: { redisUrl: string; database: number; say: (line: string) => void },
) => {
  const violations: string[] = []
  const figures: Partial<Record<BackEnd, Figures>> = {}
  const startedAt = performance.now()
  for (const [part, backEnd] of backEnds.entries()) {
    const scene = await startScene(redisUrl, database, backEnd)
    try {
      const from = Math.ceil((trials * part) / backEnds.length)
      const to = Math.ceil((trials * (part + 1)) / backEnds.length)
      const sum = { admitted: 0, refused: 0, done: 0 }
      for (let first = from; first < to; first += batch) {
        const sent = new Map<string, string>()
        let next = first
        const lane = async (): Promise<void> => {
          while (next < Math.min(first + batch, to)) {
            const number = next
            next += 1
            const client = addressOf(number)
            const parts = await attack(scene, number, randomOf(seed, `${name} ${number}`), client)
            sent.set(client, parts.join(''))
            await converse(scene.port, client, parts)
          }
        }
        await Promise.all(Array.from({ length: lanes }, lane))
        const judged = await scene.judge(sent)
        sum.admitted += judged.admitted
        sum.refused += judged.refused
        sum.done += judged.done
        for (const violation of judged.violations) {
          if (violations.length < told) say(`violation: ${violation}`)
          violations.push(violation)
        }
        if (first % (batch * 10) < batch)
          say(`${backEnd}: ${next} of ${trials}, ${violations.length} violations`)
      }
      figures[backEnd] = sum
    } finally {
      await scene.stop()
    }
  }
  return { violations, figures, seconds: round((performance.now() - startedAt) / 1_000) }
}
