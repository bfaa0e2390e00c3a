import { z } from 'zod'
import { loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { isFault } from '#access/domain/errors.ts'
import { shortHash } from '#access/domain/short-hash.ts'
import type { Clock } from '#access/ports.ts'
import { type BotConfig, botShape, readBotConfig, readBotPart } from '#access/runtime/bot-config.ts'
import { readConfig } from '#access/runtime/config.ts'
import { redisAt } from '#access/runtime/redis-at.ts'
import { loadRulesFor } from '#access/runtime/rules.ts'
import { lookAtDeadLetters } from './dead-letters.ts'
import { lookAtDirectory } from './directory.ts'
import { examine, type Line, ok, Unmade } from './examine.ts'
import { lookAtHeads } from './heads.ts'
import { lookAtPagerDuty, lookAtSender, lookAtWebhooks } from './pagerduty.ts'
import { lookAtProxies } from './proxies.ts'
import { lookAtRedis, openRedis } from './redis.ts'
import { lookAtSlack } from './slack.ts'
import { withoutSecretsOf } from './without-secrets.ts'

/** Putting back takes as long as there are dead letters. */
const retryWithinMs = 60_000

/**
 * Everything a bot needs, looked at side by side; in the order in which a person should read it. Rejects never, and
 * takes at most 3 s for a check and 3 s for what it needs (`retry`: a minute).
 */
export const diagnose = async (
  environment: NodeJS.ProcessEnv,
  { clock, retry }: { readonly clock: Clock; readonly retry: boolean },
): Promise<Line[]> => {
  const part = <T extends z.ZodType<Partial<BotConfig>>>(shape: T): z.output<T> => {
    try {
      return readBotPart(shape, environment)
    } catch (error) {
      if (!isFault(error, 'config/invalid')) throw error
      throw new Unmade(error.message.replaceAll('\n', '; '))
    }
  }
  const open: { disconnect: () => void }[] = []

  const configuration = examine('configuration', [], async () => {
    const { PAGEPASS_MODE: mode, PAGEPASS_INSTANCE: instance } = readBotConfig(environment)
    return { findings: [ok(`mode ${mode}, instance ${instance}`)], value: undefined }
  })
  const rules = examine('rules', [], async () => {
    const config = part(
      botShape.pick({ PAGEPASS_MODE: true, PAGEPASS_RULES: true, PAGEPASS_RULES_KEYS: true }),
    )
    const { rules: value, path, seal } = await loadRulesFor(config)
    const sealed = seal === undefined ? '' : `, sealed by ${seal.signer}`
    const what = `${path}, environment ${value.environment}, hash ${shortHash(value.hash)}…${sealed}`
    return { findings: [ok(what)], value }
  })
  const keys = examine('keys', [rules.value], async ({ environment: name }) => {
    const { PAGEPASS_KEYS: folder } = part(botShape.pick({ PAGEPASS_KEYS: true }))
    const value = await loadKeys(folder, 'bot', name)
    return {
      findings: [ok(`${[...value.own.keys()].join(', ')} in ${folder}`)],
      value: createStatements(value),
    }
  })
  const directory = examine('directory', [rules.value, keys.value], (ruleSet, statements) => {
    const { PAGEPASS_DIRECTORY: file } = part(botShape.pick({ PAGEPASS_DIRECTORY: true }))
    return lookAtDirectory(file, ruleSet, statements, clock.now())
  })
  const redis = examine('redis', [], async () => {
    const config = part(
      botShape.pick({ PAGEPASS_MODE: true, REDIS_URL: true, REDIS_CA: true, REDIS_SENTINEL_PASSWORD: true }),
    )
    const opened = openRedis(await redisAt(config))
    open.push(opened.redis)
    return lookAtRedis(opened, clock.now, config.PAGEPASS_MODE === 'production')
  })
  const heads = examine('heads', [redis.value, keys.value], lookAtHeads)
  const proxies = examine('proxies', [redis.value], lookAtProxies)
  const deadLetters = examine(
    'dead letters',
    [redis.value],
    (connection) => lookAtDeadLetters(connection, retry),
    retry ? retryWithinMs : undefined,
  )
  const slack = examine('slack', [], () => {
    const config = part(botShape.pick({ SLACK_API_URL: true, SLACK_BOT_TOKEN: true }))
    return lookAtSlack(config.SLACK_API_URL, config.SLACK_BOT_TOKEN)
  })
  const pagerduty = examine('pagerduty', [], () => {
    const config = part(botShape.pick({ PAGERDUTY_API_URL: true, PAGERDUTY_TOKEN: true }))
    return lookAtPagerDuty({ url: config.PAGERDUTY_API_URL, token: config.PAGERDUTY_TOKEN })
  })
  const webhooks = examine('webhooks', [pagerduty.value], lookAtWebhooks)
  const sender = environment['PAGERDUTY_FROM']
    ? [
        examine('sender', [pagerduty.value], (access) => {
          const { PAGERDUTY_FROM: from } = readConfig(z.object({ PAGERDUTY_FROM: z.email() }), environment)
          return lookAtSender(access, from)
        }),
      ]
    : []

  const all = [
    configuration,
    rules,
    keys,
    directory,
    redis,
    heads,
    proxies,
    deadLetters,
    slack,
    pagerduty,
    webhooks,
    ...sender,
  ]
  try {
    const lines = await Promise.all(all.map((one) => one.lines))
    return lines.flat().map(withoutSecretsOf(environment))
  } finally {
    for (const one of open) one.disconnect()
  }
}
