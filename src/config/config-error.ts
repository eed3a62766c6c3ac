/** A variable of the environment is not what it must be. The message is one line and names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
