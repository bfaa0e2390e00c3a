import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { Fault } from '#access/domain/errors.ts'
import type { Clock } from '#access/ports.ts'
import { contextOf } from './context.ts'
import { checkPair, type Pair, type PairFiles, readPair, type UsablePair, warningsOf } from './pair.ts'

export type Log = {
  readonly info: (facts: Record<string, unknown>, what: string) => void
  readonly warn: (facts: Record<string, unknown>, what: string) => void
  readonly error: (facts: Record<string, unknown>, what: string) => void
}

export type Patience = {
  /** The files are looked at this often, whatever the file system tells. Milliseconds. */
  readonly everyMs: number
  /** Two files are not replaced at one time: what does not fit together may after so many milliseconds. */
  readonly settleMs: number
}
const usualPatience: Patience = { everyMs: 5_000, settleMs: 1_000 }
const usualNames = 'PAGEPASS_TLS_CERT, PAGEPASS_TLS_KEY'
const debounceMs = 100

/**
 * The certificate and key of a listener (and the CA of its clients), read again whenever the files change. The fault names
 * the variables. `follow` is told each new pair that can be used; a pair that can't be is alarmed, once, and the one before
 * it stays.
 */
export const keepPair = async (
  files: PairFiles,
  clock: Clock,
  log: Log,
  { everyMs, settleMs }: Patience = usualPatience,
  names = usualNames,
) => {
  let used = await readUsable(files, names)
  let told: ((context: SecureContextOptions) => void) | undefined
  /** The state of the files that could not be used when it was last looked at. */
  let doubtful: string | undefined
  let alarmed: string | undefined
  let warnedOf = ''

  const warn = (): void => {
    const text = warningsOf(used, clock.now()).join('; ')
    if (text !== warnedOf && text !== '') log.warn({ ...files }, text)
    warnedOf = text
  }

  const doubt = (state: string, faults: readonly string[]): void => {
    if (alarmed === state) return
    if (doubtful !== state) {
      doubtful = state
      setTimeout(wake, settleMs).unref()
      return
    }
    alarmed = state
    log.error({ ...files, faults }, 'the new TLS certificate can’t be used; the one before it stays')
  }

  const look = async (): Promise<void> => {
    let pair: Pair
    try {
      pair = await readPair(files)
    } catch (error) {
      const { message } = error as Error
      return doubt(message, [message])
    }
    const same = pair.hash === used.hash
    const checked = same ? undefined : checkPair(pair)
    if (checked?.ok === false) return doubt(pair.hash, checked.faults)
    doubtful = undefined
    alarmed = undefined
    used = checked === undefined ? { ...used, keyIsOpen: pair.keyIsOpen } : checked.pair
    if (!same) {
      told?.(contextOf(used))
      log.info({ ...files, until: new Date(used.until).toISOString() }, 'the TLS certificate was replaced')
    }
    warn()
  }

  let looking: Promise<void> = Promise.resolve()
  const wake = (): void => {
    looking = looking.then(look).catch((error: Error) => log.error({ error: error.message }, 'TLS files'))
  }
  let soon: NodeJS.Timeout | undefined
  const touched = (): void => {
    clearTimeout(soon)
    soon = setTimeout(wake, debounceMs)
    soon.unref()
  }
  warn()
  const timer = setInterval(wake, everyMs)
  timer.unref()
  // The folder, since whoever replaces a file puts another one in its place. Where that can't be watched, the timer does.
  const watched = [files.cert, files.key, ...(files.ca === undefined ? [] : [files.ca])]
  const watchers = [...new Set(watched.map(dirname))].flatMap((folder) => watchFolder(folder, touched))

  return {
    /** What to begin with. */
    context: (): SecureContextOptions => contextOf(used),
    follow: (tell: (context: SecureContextOptions) => void): void => {
      told = tell
    },
    stop: async (): Promise<void> => {
      clearInterval(timer)
      clearTimeout(soon)
      for (const watcher of watchers) watcher.close()
      await looking
    },
  }
}
export type KeptPair = Awaited<ReturnType<typeof keepPair>>

/** What the files hold, if a listener can use it. The fault says so by the names of the variables. */
export const readUsable = async (files: PairFiles, names = usualNames): Promise<UsablePair> => {
  const fail = (faults: readonly string[]): never => {
    throw new Fault('config/invalid', faults.map((fault) => `${names}: ${fault}`).join('\n'), {
      mend: 'name a certificate (with what signed it) and its key, each a PEM file that this process may read',
    })
  }
  const checked = checkPair(await readPair(files).catch((error: Error) => fail([error.message])))
  return checked.ok ? checked.pair : fail(checked.faults)
}

const watchFolder = (folder: string, touched: () => void): FSWatcher[] => {
  try {
    const watcher = watch(folder, { persistent: false }, touched)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}
