import { z } from 'zod'
import { address, checkMode, commonShape, readConfig } from '#access/runtime/config.ts'

const shape = z.object({ ...commonShape, PAGEPASS_PROXY_LISTEN: address })

export const readProxyConfig = (environment: NodeJS.ProcessEnv) => {
  const config = readConfig(shape, environment)
  checkMode(config, { PAGEPASS_PROXY_LISTEN: config.PAGEPASS_PROXY_LISTEN })
  return config
}
export type ProxyConfig = ReturnType<typeof readProxyConfig>
