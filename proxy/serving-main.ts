import { join } from 'node:path'
import { Registry } from 'prom-client'
import { loadKeys } from '#access/adapters/keys.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { createClock } from '#access/runtime/clock.ts'
import { loadRevocations, revocationFilesOf } from '#access/runtime/keep-revocations.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { addRules } from '#access/runtime/metrics.ts'
import { redisAt } from '#access/runtime/redis-at.ts'
import { loadRulesFor } from '#access/runtime/rules.ts'
import { runProcess } from '#access/runtime/run-process.ts'
import { startProxy } from './app.ts'
import { loadAuthz } from './authz/config.ts'
import { readProxyConfig } from './config.ts'
import { tellParent } from './parent/tell-parent.ts'

// One of the processes that serve: it has its own view, its own audit log, and the listening sockets of its parent.
await runProcess('proxy', async () => {
  const config = readProxyConfig(process.env)
  const log = createLogger('proxy', config.PAGEPASS_LOG_LEVEL)
  const instance = config.PAGEPASS_INSTANCE
  const loaded = await loadRulesFor(config)
  const { rules, seal } = loaded
  const metrics = new Registry()
  metrics.setDefaultLabels({ process: instance })
  addRules(metrics, rules)
  const parent = tellParent(loaded, metrics)
  const keys = await loadKeys(config.PAGEPASS_KEYS, 'proxy', rules.environment)
  const revocationFiles = revocationFilesOf(config)
  await loadRevocations(keys, revocationFiles)
  const onError = (error: Error) => log.warn({ error: error.message }, 'Redis')
  const redis = await redisAt(config)
  const prompt = connectPrompt(redis, onError)
  const patient = connectPatient(redis, onError)
  const proxy = await startProxy({
    rules,
    keys,
    clock: createClock(),
    log,
    instance,
    auditFolder: join(config.PAGEPASS_DATA_DIR, 'audit'),
    listen: config.PAGEPASS_PROXY_LISTEN,
    authz: await loadAuthz(config),
    egress: config.egress,
    ...(config.tls === undefined ? {} : { tls: config.tls }),
    ownPorts: [config.PAGEPASS_ADMIN_LISTEN.port],
    slackApp: config.PAGEPASS_SLACK_APP_URL,
    slackCommand: config.SLACK_COMMAND,
    prompt,
    patient,
    revocationFiles,
    lockFile: join(config.PAGEPASS_DATA_DIR, 'locks', `${instance}.jws`),
    beforeListening: parent.untilItMayListen,
  })
  proxy.measure(metrics)
  const { port, authzPort, egressPort } = proxy
  parent.listens(port, authzPort)
  log.info(
    { port, authzPort, egressPort, rules: rules.hash, sealedBy: seal?.signer, instance },
    'proxy listens',
  )
  return {
    log,
    drain: proxy.drain,
    stop: [
      ['the proxy', proxy.stop],
      ['Redis', () => prompt.disconnect()],
    ],
  }
})
