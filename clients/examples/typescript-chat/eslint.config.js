/** The linter's rules: those of the client. */
export { default } from "../../typescript/eslint.config.js";
