import { join } from 'node:path'
import { loadKeys } from '#access/adapters/keys.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { signHeads } from '#access/adapters/redis/sign-heads.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Grant } from '#access/domain/grant.ts'
import { grantIdFromFacts } from '#access/domain/grant-id.ts'
import { createView } from '#access/domain/view.ts'
import { createClock } from '#access/runtime/clock.ts'
import { loadRules } from '#access/runtime/rules.ts'
import type { Prepared } from '#infra/sandbox/stack.ts'

/** Gives grants and signs heads as a bot does, without Slack and PagerDuty: for proofs and benches of the proxy. */
export const startIssuer = async (
  { keys: keyFolder, rules: rulesFile, ports }: Prepared,
  redisUrl: string,
) => {
  const { rules } = await loadRules(rulesFile)
  const { environment } = rules
  const statements = createStatements(await loadKeys(join(keyFolder, 'bot'), 'bot', environment))
  const clock = createClock()
  const quiet = (): void => undefined
  const prompt = connectPrompt(redisUrl, quiet)
  const view = createView()
  if (prompt.status !== 'ready') await new Promise<void>((resolve) => prompt.once('ready', () => resolve()))
  await prepareStore(prompt, 'test')
  const follower = followView(
    { prompt, patient: connectPatient(redisUrl, quiet), view, statements, clock, heads: 'optional' },
    { alarm: quiet },
  )
  const heads = signHeads({
    redis: prompt,
    view,
    statements,
    clock,
    instance: 'issuer',
    environment,
    epoch: follower.epoch,
    inTouch: follower.inTouch,
    newEpoch: () => 'test',
    alarm: quiet,
  })
  const store = createGrantStore(prompt, statements, clock)

  const grantFor = (subject: string, number: number): Grant => ({
    id: grantIdFromFacts([subject, String(number)]),
    version: 1,
    environment,
    state: 'active',
    step: 'given',
    who: { issuer: `http://127.0.0.1:${ports.idp}`, subject, name: `Person ${number}` },
    services: ['orders-svc'],
    tier: 'observe',
    from: clock.now(),
    until: clock.now() + 3_600_000,
    duration: 3_600_000,
    why: { kind: 'request', rule: 'on_request[0]' },
    nonce: 'n'.repeat(22),
    rules: rules.hash,
    at: clock.now(),
  })

  return {
    /** One grant for this person, and `count - 1` for others. */
    give: async (count: number, subject: string): Promise<void> => {
      for (let number = 0; number < count; number += 1) {
        await store.give(grantFor(number === 0 ? subject : `other-${number}`, number))
      }
    },
    stop: async (): Promise<void> => {
      await heads.stop()
      await follower.stop()
      prompt.disconnect()
    },
  }
}
