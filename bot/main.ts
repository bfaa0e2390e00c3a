import { loadKeys } from '#access/adapters/keys.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { startAdmin } from '#access/runtime/admin.ts'
import { createClock } from '#access/runtime/clock.ts'
import { loadRevocations, revocationFilesOf } from '#access/runtime/keep-revocations.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { createMetrics } from '#access/runtime/metrics.ts'
import { redisAt } from '#access/runtime/redis-at.ts'
import { loadRulesFor } from '#access/runtime/rules.ts'
import { runProcess } from '#access/runtime/run-process.ts'
import { watchDirectory } from '#access/runtime/watch-directory.ts'
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
  const alarm = (what: string, facts: Record<string, unknown>) => log.error(facts, what)
  const people = await watchDirectory(config.PAGEPASS_DIRECTORY, createStatements(keys), alarm)
  const onError = (error: Error) => log.warn({ error: error.message }, 'Redis')
  const redis = await redisAt(config)
  const prompt = connectPrompt(redis, onError)
  const bot = await startBot({
    config,
    rules,
    keys,
    directory: people.directory,
    revocationFiles,
    deactivated: people.deactivated,
    clock: createClock(),
    log,
    prompt,
    patient: () => connectPatient(redis, onError),
  })
  const metrics = createMetrics(rules, watched.changedOnDisk, bot.mode)
  bot.measure(metrics)
  const admin = await startAdmin(
    config.PAGEPASS_ADMIN_LISTEN,
    bot.waitingFor,
    () => ({ mode: bot.mode(), ...watched.facts(), ...people.facts(), ...bot.facts() }),
    metrics,
  )
  log.info({ port: bot.port, rules: rules.hash, sealedBy: seal?.signer }, 'bot listens')
  return {
    log,
    stop: [
      ['the bot', bot.stop],
      ['the watch over the rule set', watched.stop],
      ['the watch over the directory', people.stop],
      ['the admin listener', () => admin.close()],
      ['Redis', () => prompt.disconnect()],
    ],
  }
})
