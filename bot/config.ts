export { type BotConfig, readBotConfig } from '#access/runtime/bot-config.ts'
