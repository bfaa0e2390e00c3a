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
import { loadAuthz } from './authz/config.ts'
import { readProxyConfig } from './config.ts'

await runProcess('proxy', async () => {
  const config = readProxyConfig(process.env)
  const log = createLogger('proxy', config.PAGEPASS_LOG_LEVEL)
  if (config.isOpen)
    log.warn(
      { listen: config.PAGEPASS_PROXY_LISTEN },
      'the proxy speaks plain HTTP beyond this machine: end TLS in front of it, or set PAGEPASS_TLS_CERT and PAGEPASS_TLS_KEY',
    )
  const loaded = await loadRulesFor(config)
  const { rules, seal } = loaded
  const watched = await watchRules(loaded, log)
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
    authz: await loadAuthz(config),
    ...(config.tls === undefined ? {} : { tls: config.tls }),
    ownPorts: [config.PAGEPASS_ADMIN_LISTEN.port],
    slackApp: config.PAGEPASS_SLACK_APP_URL,
    prompt,
    patient,
  })
  const metrics = createMetrics(rules, watched.changedOnDisk)
  proxy.measure(metrics)
  const admin = await startAdmin(config.PAGEPASS_ADMIN_LISTEN, proxy.waitingFor, watched.facts, metrics)
  log.info(
    {
      port: proxy.port,
      authzPort: proxy.authzPort,
      rules: rules.hash,
      sealedBy: seal?.signer,
      instance: config.PAGEPASS_INSTANCE,
    },
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
