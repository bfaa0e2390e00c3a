import { join } from 'node:path'
import { loadKeys } from '#access/adapters/keys.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { startAdmin } from '#access/runtime/admin.ts'
import { createClock } from '#access/runtime/clock.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { createMetrics } from '#access/runtime/metrics.ts'
import { loadRulesFor } from '#access/runtime/rules.ts'
import { runProcess } from '#access/runtime/run-process.ts'
import { watchRules } from '#access/runtime/watch-rules.ts'
import { startProxy } from './app.ts'
import { readProxyConfig } from './config.ts'

await runProcess('proxy', async () => {
  const config = readProxyConfig(process.env)
  const log = createLogger('proxy', config.PAGEPASS_LOG_LEVEL)
  const { rules, path, hashes, seal } = await loadRulesFor(config)
  const watched = await watchRules({
    path,
    hash: rules.hash,
    hashes,
    alarm: (what, facts) => log.error(facts, what),
  })
  const keys = await loadKeys(config.PAGEPASS_KEYS, 'proxy', rules.environment)
  const onError = (error: Error) => log.warn({ error: error.message }, 'Redis')
  const prompt = connectPrompt(config.REDIS_URL, onError)
  const patient = connectPatient(config.REDIS_URL, onError)
  const proxy = await startProxy({
    rules,
    keys,
    clock: createClock(),
    log,
    instance: config.PAGEPASS_INSTANCE,
    auditFolder: join(config.PAGEPASS_DATA_DIR, 'audit'),
    listen: config.PAGEPASS_PROXY_LISTEN,
    prompt,
    patient,
  })
  const admin = await startAdmin(
    config.PAGEPASS_ADMIN_LISTEN,
    proxy.waitingFor,
    watched.facts,
    createMetrics(rules, watched.changedOnDisk),
  )
  log.info(
    { port: proxy.port, rules: rules.hash, sealedBy: seal?.signer, instance: config.PAGEPASS_INSTANCE },
    'proxy listens',
  )
  return {
    log,
    drain: proxy.drain,
    stop: [
      ['the proxy', proxy.stop],
      ['the watch over the rule set', watched.stop],
      ['the admin listener', () => admin.close()],
      ['Redis', () => prompt.disconnect()],
    ],
  }
})
