import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorldOptions } from '#infra/sandbox/world.ts'

export const newStateFolder = (): string => mkdtempSync(join(tmpdir(), 'sandbox-'))

export const worldOptions = (botUrl: string, stateFolder = newStateFolder()): WorldOptions => ({
  ports: { slack: 0, pagerduty: 0, idp: 0, control: 0, orders: 0, payments: 0 },
  slackBotToken: 'xoxb-sandbox',
  slackSigningSecret: 'signing',
  pagerdutyToken: 'pd-token',
  pagerdutyWebhookSecret: 'webhook',
  stateFolder,
  botUrl,
})
