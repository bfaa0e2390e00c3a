import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { wokenByEvents } from './woken.ts'

const program = '/usr/bin/chromium'

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
  '--no-first-run',
  '--ignore-certificate-errors',
  // Every name is this machine.
  '--host-resolver-rules=MAP * 127.0.0.1',
  '--remote-debugging-port=0',
]

type Reply = {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly error?: { readonly message: string }
  readonly result?: Readonly<Record<string, unknown>>
}

/** Debian's Chromium with a profile of its own, driven by its DevTools protocol. Certificates are taken as they are. */
export const startChromium = async () => {
  try {
    accessSync(program, constants.X_OK)
  } catch {
    throw new Error(`there is no ${program}: apt-get install chromium`)
  }
  const profile = await mkdtemp(join(tmpdir(), 'pagepass-chromium-'))
  // 0: cookies of other sites are let through.
  await mkdir(join(profile, 'Default'))
  await writeFile(
    join(profile, 'Default', 'Preferences'),
    JSON.stringify({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }),
  )
  const child = spawn(program, [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  const socket = new WebSocket(await devToolsOf(child))
  await once(socket, 'open')
  const waiting = new Map<number, (reply: Reply) => void>()
  const listeners = new Set<(event: Reply) => void>()
  let last = 0
  socket.on('message', (text) => {
    const reply = JSON.parse(String(text)) as Reply
    if (reply.id === undefined) for (const listener of listeners) listener(reply)
    else waiting.get(reply.id)?.(reply)
  })
  const send = (method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      last += 1
      const id = last
      waiting.set(id, ({ error, result }) => {
        waiting.delete(id)
        if (error === undefined) resolve(result ?? {})
        else reject(new Error(`${method}: ${error.message}`))
      })
      socket.send(JSON.stringify({ id, method, params, sessionId }))
    })

  return {
    /** A tab, which shares its cookies with all others. */
    open: async () => {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
      const session = String(sessionId)
      const { wake, when } = wokenByEvents((what) => `the tab waited in vain for ${what}`)
      let loaded = 0
      listeners.add((event) => {
        if (event.sessionId !== session || event.method !== 'Page.loadEventFired') return
        loaded += 1
        wake()
      })
      await send('Page.enable', {}, session)
      /** Runs an expression in the page, as its own script would, and answers with its value. */
      const run = async (expression: string): Promise<unknown> => {
        const parameters = { expression, awaitPromise: true, returnByValue: true, userGesture: true }
        const { result, exceptionDetails } = await send('Runtime.evaluate', parameters, session)
        if (exceptionDetails !== undefined)
          throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`)
        return (result as { readonly value?: unknown }).value
      }
      /** What makes the tab load another page; done once it is there. */
      const loading = async (what: () => Promise<unknown>): Promise<void> => {
        const before = loaded
        await what()
        await when(() => loaded > before, 'the page')
      }
      return {
        run,
        goTo: (url: string): Promise<void> => loading(() => send('Page.navigate', { url }, session)),
        /** Runs an expression that leaves for another page. */
        runAway: (expression: string): Promise<void> => loading(() => run(expression)),
        /** A cookie that another site's pages send, too: nothing but us stands in their way. */
        setCookie: (url: string, name: string, value: string) =>
          send(
            'Network.setCookie',
            { url, name, value, secure: true, httpOnly: true, sameSite: 'None' },
            session,
          ),
      }
    },
    stop: async (): Promise<void> => {
      const closing = send('Browser.close').catch(() => undefined)
      const forced = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await Promise.race([closing, exited])
      await exited
      clearTimeout(forced)
      socket.terminate()
      await rm(profile, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
export type Chromium = Awaited<ReturnType<typeof startChromium>>
export type Tab = Awaited<ReturnType<Chromium['open']>>

/** It says on its standard error where it listens. */
const devToolsOf = async (child: ChildProcess): Promise<string> => {
  if (child.stderr === null) throw new Error('Chromium has no standard error')
  const said: string[] = []
  for await (const line of createInterface(child.stderr)) {
    said.push(line)
    const [, url] = /^DevTools listening on (ws:\S+)/.exec(line) ?? []
    if (url === undefined) continue
    child.stderr.resume()
    return url
  }
  throw new Error(`Chromium did not start: ${said.join('\n')}`)
}
