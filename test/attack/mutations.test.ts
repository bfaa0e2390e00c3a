/**
 * The attack: whatever a list of known tricks does not have. Random bytes are changed, put in and left out of pipelined
 * requests of two people, random spellings of our identity headers are sent, named in `Connection` and put into
 * trailers, and random targets are asked for, on bare sockets, before Node, nginx and HAProxy (RFC 9112 11; "HTTP
 * Garden", Kallus et al., 2024, found most of its discrepancies so). What these servers read, by their own account and by
 * the bytes on the wire to them, is exactly what the audit says was admitted, connection by connection. `npm run prove --
 * framing`, `headers` and `paths` do the same many more times.
 */
import { expect, inject, test } from 'vitest'
import { backEnds } from '../builders/back-ends.ts'
import { seedOfRun } from '../proofs/random.ts'
import { headersOf } from '../proofs/wire/header-lines.ts'
import { pairOf } from '../proofs/wire/pairs.ts'
import { runAttacks } from '../proofs/wire/run.ts'
import { targetOf } from '../proofs/wire/targets.ts'

test.each([
  ['pairs of pipelined requests', 'framing', pairOf, 1_200],
  ['headers like ours', 'headers', headersOf, 600],
  ['targets', 'paths', targetOf, 600],
])('Mutated %s: what the service sees is what was admitted', async (_, name, attack, trials) => {
  const seed = seedOfRun()
  const { violations, figures } = await runAttacks(name, attack, trials, seed, {
    redisUrl: inject('redisUrl'),
    database: 76,
    say: () => undefined,
  })
  expect(violations, `PROOF_SEED=${seed}`).toEqual([])
  for (const backEnd of backEnds) {
    // Neither all of it nor nothing gets through, or little would have been tried.
    expect(figures[backEnd]?.done).toBeGreaterThan(trials / 60)
    expect(figures[backEnd]?.refused).toBeGreaterThan(trials / 60)
  }
})
