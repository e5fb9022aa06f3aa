"""The screens' building blocks: the only part of the package that knows Streamlit. No SQL, no environment."""
