import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createWorld, type World, type WorldOptions } from '#infra/sandbox/world.ts'
import { type Recorded, type Reply, startRecorder } from './recorder.ts'

/** A folder for one test, gone after it and its `afterEach`. */
export const newStateFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'pagepass-sandbox-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const worldOptions = (botUrl: string, stateFolder = newStateFolder()): WorldOptions => ({
  ports: { slack: 0, pagerduty: 0, idp: 0, control: 0, orders: 0, payments: 0 },
  slackBotToken: 'xoxb-sandbox',
  slackSigningSecret: 'signing',
  pagerdutyToken: 'pd-token',
  pagerdutyWebhookSecret: 'webhook',
  stateFolder,
  botUrl,
})

/** The stand-ins, and in the bot's place a recorder that answers as the test says. */
export const startRecordedWorld = async (reply: (request: Recorded) => Reply) => {
  const bot = await startRecorder(reply)
  const world = await createWorld(worldOptions(bot.url))
  const close = async (): Promise<void> => {
    await world.close()
    await bot.close()
  }
  return { bot, world, close }
}
export type RecordedWorld = Awaited<ReturnType<typeof startRecordedWorld>>

/** A call of the control API; its text is without the last line's end. */
export const callControl = async (world: World, path: string, init: RequestInit = {}) => {
  const response = await fetch(`${world.urls.control}${path}`, init)
  return { status: response.status, text: (await response.text()).trimEnd() }
}
