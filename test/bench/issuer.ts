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
import { seedGrants } from './seed-grants.ts'

export type IssuerOptions = {
  /** One grant for this person, for `services[0]` … */
  readonly subject: string
  /** … and one each for as many others, spread over the services, all there before anybody follows. */
  readonly others: number
  readonly services: readonly [string, ...string[]]
}

/** Gives grants and signs heads as a bot does, without Slack and PagerDuty: for benches of the proxy. */
export const startIssuer = async (
  { keys: keyFolder, rules: rulesFile, ports }: Prepared,
  redisUrl: string,
  { subject, others, services }: IssuerOptions,
) => {
  const { rules } = await loadRules(rulesFile)
  const { environment } = rules
  const botKeys = join(keyFolder, 'bot')
  const statements = createStatements(await loadKeys(botKeys, 'bot', environment))
  const clock = createClock()
  const quiet = (): void => undefined
  const prompt = connectPrompt(redisUrl, quiet)
  const view = createView()
  if (prompt.status !== 'ready') await new Promise<void>((resolve) => prompt.once('ready', () => resolve()))

  const grantFor = (number: number): Grant => ({
    id: grantIdFromFacts([subject, String(number)]),
    version: 1,
    environment,
    state: 'active',
    step: 'given',
    who: {
      issuer: `http://127.0.0.1:${ports.idp}`,
      subject: number === 0 ? subject : `other-${number}`,
      name: `Person ${number}`,
    },
    services: [services[number % services.length] ?? services[0]],
    tier: 'observe',
    from: clock.now(),
    until: clock.now() + 3_600_000,
    duration: 3_600_000,
    why: { kind: 'request', rule: 'on_request[0]' },
    nonce: 'n'.repeat(22),
    rules: rules.hash,
    at: clock.now(),
  })

  const first = grantFor(0)
  await seedGrants(prompt, botKeys, [
    first,
    ...Array.from({ length: others }, (_, number) => grantFor(number + 1)),
  ])
  await prepareStore(prompt, 'bench')
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
    newEpoch: () => 'bench',
    alarm: quiet,
  })
  const store = createGrantStore(prompt, statements, clock)
  let given = others

  return {
    /** The grant that was there from the start. */
    first,
    /** Gives the same person another grant for the same service. */
    giveAnother: async (): Promise<Grant> => {
      given += 1
      const { id } = grantFor(given)
      const grant: Grant = { ...first, id, at: clock.now() }
      await store.give(grant)
      return grant
    },
    /** Resolves when Redis has the end. */
    revoke: async (grant: Grant): Promise<void> => {
      await store.end(grant, 'revoked')
    },
    stop: async (): Promise<void> => {
      await heads.stop()
      await follower.stop()
      prompt.disconnect()
    },
  }
}
