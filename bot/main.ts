import { loadKeys } from '#access/adapters/keys.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { startAdmin } from '#access/runtime/admin.ts'
import { createClock } from '#access/runtime/clock.ts'
import { loadDirectory } from '#access/runtime/directory.ts'
import { loadRevocations, revocationFilesOf } from '#access/runtime/keep-revocations.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { createMetrics } from '#access/runtime/metrics.ts'
import { redisAt } from '#access/runtime/redis-at.ts'
import { loadRulesFor } from '#access/runtime/rules.ts'
import { runProcess } from '#access/runtime/run-process.ts'
import { watchRules } from '#access/runtime/watch-rules.ts'
import { startBot } from './app.ts'
import { readBotConfig } from './config.ts'

await runProcess('bot', async () => {
  const config = readBotConfig(process.env)
  const log = createLogger('bot', config.PAGEPASS_LOG_LEVEL)
  const loaded = await loadRulesFor(config)
  const { rules, seal } = loaded
  const watched = await watchRules(loaded, log)
  const keys = await loadKeys(config.PAGEPASS_KEYS, 'bot', rules.environment)
  const revocationFiles = revocationFilesOf(config)
  await loadRevocations(keys, revocationFiles)
  const directory = await loadDirectory(config.PAGEPASS_DIRECTORY, createStatements(keys))
  const onError = (error: Error) => log.warn({ error: error.message }, 'Redis')
  const redis = await redisAt(config)
  const prompt = connectPrompt(redis, onError)
  const bot = await startBot({
    config,
    rules,
    keys,
    directory,
    revocationFiles,
    deactivated: directory.deactivated,
    clock: createClock(),
    log,
    prompt,
    patient: () => connectPatient(redis, onError),
  })
  const admin = await startAdmin(
    config.PAGEPASS_ADMIN_LISTEN,
    bot.waitingFor,
    watched.facts,
    createMetrics(rules, watched.changedOnDisk),
  )
  log.info({ port: bot.port, rules: rules.hash, sealedBy: seal?.signer }, 'bot listens')
  return {
    log,
    stop: [
      ['the bot', bot.stop],
      ['the watch over the rule set', watched.stop],
      ['the admin listener', () => admin.close()],
      ['Redis', () => prompt.disconnect()],
    ],
  }
})
