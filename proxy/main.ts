import { fileURLToPath } from 'node:url'
import { startAdmin } from '#access/runtime/admin.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { runProcess } from '#access/runtime/run-process.ts'
import { readProxyConfig } from './config.ts'
import { keepServing } from './parent/keep-serving.ts'
import { createParentMetrics } from './parent/metrics.ts'
import { createServing } from './parent/serving.ts'
import { watchServed } from './parent/watch-served.ts'

const servingMain = fileURLToPath(new URL('serving-main.ts', import.meta.url))
/**
 * V8 may decide, by chance, to make the objects of requests old from the start. Each then keeps what it leads to through all
 * young collections: in one process of four garbage piled up, and requests cost a fifth more.
 */
const servingFlags = ['--no-allocation-site-pretenuring']
/** A little longer than the processes that serve may take. */
const patience = { stopWithinMs: 11_000, sameSignalMs: 1_000 }

// The parent: it owns the listening sockets and the admin port, holds no key, and sees no request.
await runProcess(
  'proxy',
  async () => {
    const config = readProxyConfig(process.env)
    const log = createLogger('proxy', config.PAGEPASS_LOG_LEVEL)
    if (config.isOpen)
      log.warn(
        { listen: config.PAGEPASS_PROXY_LISTEN },
        'the proxy speaks plain HTTP beyond this machine: end TLS in front of it, or set PAGEPASS_TLS_CERT and PAGEPASS_TLS_KEY',
      )
    const kept = await keepServing({
      instance: config.PAGEPASS_INSTANCE,
      count: config.PAGEPASS_PROXY_PROCESSES,
      start: createServing(servingMain, [...process.execArgv, ...servingFlags]),
      log,
    })
    const watched = await watchServed(kept.rules, log)
    const facts = () => ({ ...watched.facts(), processes: kept.processes() })
    const metrics = createParentMetrics(kept, watched.changedOnDisk)
    const admin = await startAdmin(config.PAGEPASS_ADMIN_LISTEN, kept.waitingFor, facts, metrics)
    // On a terminal it means that the terminal is gone, and ends the process as it always does.
    if (!process.stdin.isTTY)
      process.on('SIGHUP', () => {
        log.info('replacing the serving processes, one by one')
        void kept.replaceAll().then(async (replaced) => {
          await watched.anew()
          if (replaced) log.info({ rules: kept.rules()?.hash }, 'the serving processes are replaced')
        })
      })
    log.info({ processes: config.PAGEPASS_PROXY_PROCESSES, rules: kept.rules()?.hash }, 'the proxy serves')
    return {
      log,
      drain: kept.drain,
      stop: [
        ['the serving processes', kept.stop],
        ['the watch over the rule set', watched.stop],
        ['the admin listener', () => admin.close()],
      ],
    }
  },
  patience,
)
