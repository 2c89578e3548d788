// What went wrong and what to do, by code.
export const errors = {
  errors: {
    dismiss: "Dismiss",
    wrong_credentials: {
      title: "Wrong user name or password",
      todo: "Type the password again; the one you entered was not kept.",
    },
    backend_unreachable: {
      title: "The backend cannot be reached",
      todo: "Check that you are online and that the backend is running, then try again.",
    },
    backend_answered_oddly: {
      title: "The backend gave an answer that Latchkey does not understand",
      todo: "If this network asks you to log in first, do that. Otherwise check the account's addresses.",
    },
    keychain_locked: { title: "The keychain is locked", todo: "Unlock it, then try again." },
    keychain_unavailable: {
      title: "There is no keychain to keep secrets in",
      todo: "Start your system's keychain service, or choose another vault with `LATCHKEY_VAULT`.",
    },
    keychain_refused: {
      title: "The keychain refused",
      todo: "Allow Latchkey to use it, then try again.",
    },
    keychain_wrong_passphrase: {
      title: "The sealed file was sealed with something else",
      todo: "Start Latchkey with the passphrase or key file it was sealed with. If that is lost, `latchkey sign-out` in a terminal erases it, and you sign in again.",
    },
    keychain_file_unusable: {
      title: "The sealed file cannot be read or written",
      todo: "See that the disk has room and that the state folder is yours. The log says which file.",
    },
    keychain_not_kept: {
      title: "Secrets are not kept as they are stored",
      todo: "Latchkey tries again. If this stays, choose another vault with `LATCHKEY_VAULT`.",
    },
    unknown_account: {
      title: "There is no such account",
      todo: "It may have been removed. Look at `latchkey accounts list`.",
    },
    sign_in_needed: { title: "This needs you to sign in", todo: "Sign in below." },
    busy: { title: "Latchkey is already doing this", todo: "Wait a moment." },
    sign_in_denied: { title: "The sign-in was declined", todo: "Sign in again; if your provider declines it, ask who runs it." },
    sign_in_refused: { title: "The provider ended the sign-in with an error", todo: "Check the client ID and the scope; who runs the provider can say more." },
    sign_in_timed_out: { title: "The time for the sign-in ran out", todo: "Begin again whenever you like; nothing was changed." },
    not_believed: { title: "What the provider sent is not believed", todo: "Nothing was stored. If it stays so, ask who runs the provider." },
    port_taken: { title: "The browser could not have come back", todo: "End the program that uses the port, or set another redirect_port for the account." },
    misfit: { title: "The provider does not fit the account", todo: "Check the address and what the account asks for." },
    not_this_way: { title: "This account does not sign in that way", todo: "Choose another way." },
    account_exists: { title: "There is an account of this name already", todo: "Choose another name." },
    configuration: { title: "The account could not be written down", todo: "Correct what is named, and try again." },
    no_browser: { title: "No browser could be opened", todo: "Copy the address and open it where you like, or sign in with a code." },
    no_web_page: { title: "The provider names something that is no web page", todo: "It was not opened. Ask who runs the provider." },
    clipboard: { title: "It could not be copied", todo: "Select the text and copy it by hand." },
    invalid_input: { title: "This cannot be right", todo: "Correct it and try again." },
    closing: { title: "Latchkey is closing", todo: "Start it again." },
    not_now: { title: "No valid token can be had now", todo: "Latchkey tries again by itself; the session goes on." },
    no_sign_in: { title: "No sign-in is under way", todo: "Begin again." },
    devserver_not_started: { title: "The development backend could not be started", todo: "End what uses its port, and try again." },
    autostart: { title: "Start at login could not be changed", todo: "See that you can write to your desktop's autostart folder." },
    no_file_manager: { title: "No file manager could be opened", todo: "Open the folder yourself; its name stands on this page." },
    no_guide: { title: "The guide could not be opened", todo: "It comes with the package of the window. The terminal explains each command: `latchkey --help`." },
    record_forgotten: { title: "This record is not kept any more", todo: "The log file may have it." },
    not_exported: { title: "The report was not written", todo: "See that your downloads folder is there and has room." },
    internal: { title: "Something went wrong inside Latchkey", todo: "Try again. The log says more." },
  },
};
